//! What training makes small. Each part of a batch gives its share, so that the shares of all parts add up to the loss of the batch.

use std::ops::Range;

use burn_tensor::{Device, Tensor, TensorData, activation};

/// The truth of a batch, as something that a network's results are judged by.
pub trait Objective: Sync {
    /// The share of the images in `part`, whose results these are: n x classes x height x width.
    fn loss(&self, results: Tensor<4>, part: Range<usize>, device: &Device) -> Tensor<1>;
}

/// Cross entropy of whole images, weighted by class.
#[derive(Debug, Clone)]
pub struct CrossEntropy {
    /// For each image, what each class should have: sums of 1, or of the weight of the image.
    pub wanted: Vec<Vec<f32>>,
}

impl CrossEntropy {
    /// For images of these classes. Each class counts by its weight; of each image `smoothing` is shared out evenly among all classes.
    pub fn new(classes: &[usize], weights: &[f64], smoothing: f64) -> Self {
        let all: f64 = classes.iter().map(|&class| weights[class]).sum();
        let of = |class: usize| {
            let share = |c: usize| smoothing / weights.len() as f64 + if c == class { 1.0 - smoothing } else { 0.0 };
            (0..weights.len()).map(|c| (share(c) * weights[class] / all) as f32).collect()
        };
        Self { wanted: classes.iter().map(|&class| of(class)).collect() }
    }
}

impl Objective for CrossEntropy {
    fn loss(&self, results: Tensor<4>, part: Range<usize>, device: &Device) -> Tensor<1> {
        let [n, classes, ..] = results.dims();
        let wanted = TensorData::new(self.wanted[part].concat(), [n, classes]);
        let chances = activation::log_softmax(results.reshape([n, classes]), 1);
        -(chances * Tensor::from_data(wanted, device)).sum()
    }
}

/// Cross entropy of each pixel, and Dice's overlap of each class but the background, half and half.
#[derive(Debug, Clone)]
pub struct DiceCrossEntropy {
    /// Of each pixel of each image, its class.
    pub labels: Vec<u8>,
    /// How many there are, the background included.
    pub classes: usize,
    /// Pixels of one image.
    pub pixels: usize,
    /// Images in the batch.
    pub images: usize,
}

/// Keeps Dice of classes that are nowhere from dividing by 0; pixels.
const SMOOTH: f64 = 1.0;

impl Objective for DiceCrossEntropy {
    fn loss(&self, results: Tensor<4>, part: Range<usize>, device: &Device) -> Tensor<1> {
        let (n, classes) = (part.len(), self.classes);
        let share = part.len() as f64 / self.images as f64;
        let labels = &self.labels[part.start * self.pixels..part.end * self.pixels];
        let mut truth = vec![0.0_f32; n * classes * self.pixels];
        for (i, &label) in labels.iter().enumerate() {
            truth[(i / self.pixels * classes + usize::from(label)) * self.pixels + i % self.pixels] = 1.0;
        }
        let truth = Tensor::<3>::from_data(TensorData::new(truth, [n, classes, self.pixels]), device);
        let logarithms = activation::log_softmax(results.reshape([n, classes, self.pixels]), 1);
        let entropy = -(logarithms.clone() * truth.clone()).sum().div_scalar((n * self.pixels) as f64);
        let found = logarithms.exp();
        // Over all images of the part: a slice without the structure does not count for itself.
        let sums = |x: Tensor<3>| x.sum_dim(2).sum_dim(0).reshape([classes]);
        let both = sums(found.clone() * truth.clone()).mul_scalar(2.0).add_scalar(SMOOTH);
        let dice = (both / (sums(found) + sums(truth)).add_scalar(SMOOTH)).narrow(0, 1, classes - 1).mean();
        (entropy + dice.neg().add_scalar(1.0)).mul_scalar(0.5 * share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The loss of these results, and its gradient.
    fn of(objective: &dyn Objective, shape: [usize; 4], results: &[f32]) -> (f64, Vec<f32>) {
        let device = Device::flex().autodiff();
        let x = Tensor::<4>::from_data(TensorData::new(results.to_vec(), shape), &device).require_grad();
        let loss = objective.loss(x.clone(), 0..shape[0], &device);
        let gradient = x.grad(&loss.backward()).unwrap().try_into_vec_as::<f32>().unwrap();
        (f64::from(loss.into_scalar::<f32>()), gradient)
    }

    fn agrees_with_differences(objective: &dyn Objective, shape: [usize; 4], results: &[f32]) {
        const STEP: f32 = 1.0 / 64.0;
        let (_, gradient) = of(objective, shape, results);
        for i in 0..results.len() {
            let moved = |by: f32| {
                let mut all = results.to_vec();
                all[i] += by;
                of(objective, shape, &all).0
            };
            let difference = (moved(STEP) - moved(-STEP)) / f64::from(2.0 * STEP);
            assert!((difference - f64::from(gradient[i])).abs() < 2e-4, "{i}: {difference} and {}", gradient[i]);
        }
    }

    #[test]
    fn cross_entropy_by_hand_and_its_gradient() {
        let plain = CrossEntropy::new(&[0, 1], &[1.0, 1.0], 0.0);
        let (loss, gradient) = of(&plain, [2, 2, 1, 1], &[0.0, 0.0, 0.0, 3.0_f32.ln()]);
        // Chances 1/2 and 3/4: the mean of ln 2 and ln 4/3.
        assert!((loss - (2.0_f64.ln() + (4.0_f64 / 3.0).ln()) / 2.0).abs() < 1e-6, "{loss}");
        assert!((gradient[0] + 0.25).abs() < 1e-6 && (gradient[3] + 0.125).abs() < 1e-6, "{gradient:?}");
        let weighted = CrossEntropy::new(&[0, 1, 1], &[2.0, 0.5], 0.1);
        agrees_with_differences(&weighted, [3, 2, 1, 1], &[0.3, -0.2, 1.0, 0.5, -0.7, 0.1]);
    }

    #[test]
    fn dice_and_cross_entropy_have_the_gradient_of_their_differences() {
        let objective = DiceCrossEntropy { labels: vec![0, 1, 2, 2, 0, 0, 1, 1], classes: 3, pixels: 4, images: 2 };
        let results: Vec<f32> = (0..24).map(|i| ((i * 37 % 11) as f32 - 5.0) / 4.0).collect();
        agrees_with_differences(&objective, [2, 3, 2, 2], &results);
        // Sure of the truth: nothing is left to lose. Sure of the contrary: much is.
        let truth = |i: usize| usize::from(objective.labels[i / 12 * 4 + i % 4]) == i / 4 % 3;
        let sure = |yes: bool| (0..24).map(|i| if truth(i) == yes { 40.0 } else { 0.0 }).collect::<Vec<f32>>();
        assert!(of(&objective, [2, 3, 2, 2], &sure(true)).0 < 1e-6);
        assert!(of(&objective, [2, 3, 2, 2], &sure(false)).0 > 10.0);
    }
}
