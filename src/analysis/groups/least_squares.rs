//! Linear models by least squares.

use super::Undefined;
use super::two_samples::Difference;
use crate::analysis::exact_sum::ExactSum;

/// A coefficient of a linear model, with its error and t.
pub type Coefficient = Difference;

/// A column that is a sum of multiples of the intercept and the columns before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependent {
    /// Which one, from 0.
    pub column: usize,
}

/// A linear model y = b₀ + b₁x₁ + b₂x₂ + … solved by least squares.
#[derive(Debug, Clone, PartialEq)]
pub struct LeastSquares {
    /// b₁, b₂, …: without the intercept.
    pub slopes: Vec<f64>,
    /// The diagonal of (XᵀX)⁻¹ for each slope.
    inverse: Vec<f64>,
    /// Degrees of freedom of the residuals.
    df: f64,
    /// Variance of the residuals.
    variance: f64,
    /// The largest |y - mean|, against which residuals are 0.
    scale: f64,
}

/// Of a column that is a sum of others only rounding is left: this part of its length.
const ROUNDING: f64 = 1e-10;

impl LeastSquares {
    /// Fits `columns`, each with a value for each of `y`, and an intercept.
    ///
    /// Columns are centred and scaled first, which takes the intercept out and keeps the numbers of one size, then reflected one after the other (Householder 1958), so that errors grow with the
    /// condition of the columns and not with its square, as with normal equations.
    ///
    /// # Errors
    /// The first column that depends on those before it: it must be left out first.
    pub fn fit(y: &[f64], columns: &[Vec<f64>]) -> Result<Self, Dependent> {
        let rows = y.len();
        let (mut y, scale) = centred(y);
        let mut scales = Vec::new();
        let mut x: Vec<Vec<f64>> = Vec::new();
        for (column, values) in columns.iter().enumerate() {
            let (mut centred, largest) = centred(values);
            let size = norm(&centred);
            // A constant column is the intercept again.
            if largest == 0.0 || !size.is_normal() || values.iter().all(|v| *v == values[0]) {
                return Err(Dependent { column });
            }
            centred.iter_mut().for_each(|v| *v /= size);
            scales.push(size);
            x.push(centred);
        }
        // R, column by column, and y turned alike.
        for k in 0..x.len() {
            let rest = if k < rows { norm(&x[k][k..]) } else { 0.0 };
            if rest < ROUNDING || k + 1 > rows {
                return Err(Dependent { column: k });
            }
            let mut mirror = x[k][k..].to_vec();
            let diagonal = if mirror[0] > 0.0 { -rest } else { rest };
            mirror[0] -= diagonal;
            let square: f64 = mirror.iter().map(|v| v * v).sum();
            let reflect = |column: &mut [f64]| {
                let part = 2.0 * mirror.iter().zip(column.iter()).map(|(a, b)| a * b).sum::<f64>() / square;
                column.iter_mut().zip(&mirror).for_each(|(v, m)| *v -= part * m);
            };
            x[k..].iter_mut().for_each(|column| reflect(&mut column[k..]));
            reflect(&mut y[k..]);
            x[k][k] = diagonal;
        }
        let n = x.len();
        let solve = |mut right: Vec<f64>| {
            for k in (0..n).rev() {
                right[k] = (right[k] - (k + 1..n).map(|j| x[j][k] * right[j]).sum::<f64>()) / x[k][k];
            }
            right
        };
        let slopes = solve(y[..n].to_vec()).iter().zip(&scales).map(|(b, s)| b / s).collect();
        // Rows of R⁻¹, whose squares sum up to the diagonal of (RᵀR)⁻¹.
        let mut inverse = vec![0.0; n];
        for k in 0..n {
            let unit = (0..n).map(|i| f64::from(u8::from(i == k))).collect();
            inverse.iter_mut().zip(solve(unit)).for_each(|(sum, v)| *sum += v * v);
        }
        inverse.iter_mut().zip(&scales).for_each(|(sum, s)| *sum /= s * s);
        let df = rows as f64 - n as f64 - 1.0;
        let left: f64 = y[n..].iter().map(|v| v * v).sum();
        Ok(Self { slopes, inverse, df, variance: left / df, scale })
    }

    /// A slope with its error, t and p; g divides by the deviation of the residuals.
    ///
    /// # Errors
    /// No more rows than coefficients; residuals that are all 0.
    pub fn coefficient(&self, column: usize) -> Result<Coefficient, Undefined> {
        let coefficients = self.slopes.len() + 1;
        if self.df < 1.0 {
            return Err(Undefined::NoFreedom { rows: (self.df + coefficients as f64) as usize, coefficients });
        }
        if self.variance.sqrt() <= 1e-13 * self.scale {
            return Err(Undefined::NoResiduals);
        }
        let error = (self.variance * self.inverse[column]).sqrt();
        Difference::new(self.slopes[column], (error, self.df), (self.variance.sqrt(), self.df))
    }
}

/// Values less their mean, and the largest size among these.
fn centred(values: &[f64]) -> (Vec<f64>, f64) {
    let mut sum = ExactSum::default();
    values.iter().for_each(|v| sum.add(*v));
    let mean = sum.value() / values.len().max(1) as f64;
    let all: Vec<f64> = values.iter().map(|v| v - mean).collect();
    let largest = all.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
    (all, largest)
}

/// Length of a vector whose squares may be beyond f64's range.
fn norm(values: &[f64]) -> f64 {
    let largest = values.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * values.iter().map(|v| (v / largest) * (v / largest)).sum::<f64>().sqrt()
}
