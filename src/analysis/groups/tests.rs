use super::*;

#[track_caller]
fn near(found: f64, expected: f64, part: f64) {
    assert!((found - expected).abs() <= part * expected.abs(), "{found:e}, expected {expected:e}");
}

/// mpmath with 50 digits.
#[test]
fn p_is_exact_far_out_and_near_one() {
    near(student_p(0.0, 5.0), 1.0, 0.0);
    near(student_p(1.0, 1.0), 0.5, 1e-15);
    near(student_p(f64::sqrt(2.0), 2.0), 1.0 - f64::sqrt(0.5), 1e-14);
    assert_eq!((student_p(f64::INFINITY, 3.0), student_p(-2.0, 7.0)), (0.0, student_p(2.0, 7.0)));
    // ν = 2 has a closed form: 1 - t/√(2 + t²), which for large t is 1/t² - 3/(2t⁴).
    near(student_p(1e10, 2.0), 1e-20, 1e-13);
    near(student_p(1e160, 2.0) / 1e-320, 1.0, 1e-3);
    for df in [1.0, 3.7, 190.986, 1e5, 1e9] {
        for tail in [0.025, 1e-25] {
            near(student_p(student_quantile(tail, df), df), 2.0 * tail, 1e-12);
        }
    }
    near(student_quantile(0.025, 1e12), 1.959_963_984_540_054, 1e-11);
}

#[test]
fn hedges_factor_by_gamma_functions() {
    // J(2) = Γ(1)/(√1 Γ(1/2)), J(3) = Γ(3/2)/(√(3/2) Γ(1)).
    near(hedges_correction(2.0).unwrap(), 1.0 / std::f64::consts::PI.sqrt(), 1e-15);
    near(hedges_correction(3.0).unwrap(), std::f64::consts::PI.sqrt() / 2.0 / 1.5f64.sqrt(), 1e-15);
    near(hedges_correction(1e9).unwrap(), 1.0 - 0.75e-9, 1e-15);
    assert_eq!(hedges_correction(1.0), None);
}

/// SciPy 1.17.1.
#[test]
fn small_samples_by_every_test() {
    let (a, b) = ([1.0, 2.0, 4.0], [3.0, 6.0, 7.0, 9.0]);
    let test = welch(&a, &b).unwrap();
    near(test.t, -2.560_253_140_303_363_5, 1e-14);
    near(test.df, 4.906_424_158_638_268, 1e-14);
    near(student(&a, &b).unwrap().t, -2.369_630_767_562_866_5, 1e-14);
    near(mann_whitney(&a, &b).unwrap().p, 4.0 / 35.0, 1e-15);
    assert_eq!(paired(&[1.0, 2.0], &[7.0, 9.0]).unwrap().t, -13.0);
    // Far from 0 nothing is lost but the rounding of the means.
    let far = |all: &[f64]| all.iter().map(|v| v + 1e6).collect::<Vec<_>>();
    near(welch(&far(&a), &far(&b)).unwrap().t, test.t, 1e-10);
}

#[test]
fn p_of_ranks_is_exact_as_counts_are() {
    let (low, high): (Vec<f64>, Vec<f64>) = ((0..8).map(f64::from).collect(), (8..40).map(f64::from).collect());
    let test = mann_whitney(&low, &high).unwrap();
    // One order of 40 over 8, on each side.
    assert!(test.exact && test.u == 0.0);
    near(test.p, 2.0 / 76_904_685.0, 1e-15);
    assert_eq!(mann_whitney(&[1.0, 2.0], &[1.5]).unwrap().p, 1.0);
    let ties = mann_whitney(&[0.0, 1.0], &[-0.0, 5.0]).unwrap();
    assert!(!ties.exact && ties.u == 1.5);
}

#[test]
fn a_model_is_solved_and_what_depends_is_named() {
    let group = vec![1.0, 1.0, 1.0, 0.0, 0.0, 0.0];
    let age = vec![60.0, 65.0, 70.0, 50.0, 62.0, 71.0];
    let y: Vec<f64> = group.iter().zip(&age).map(|(g, a)| 3.0 * g - 2.0 * a + 7.0).collect();
    let exact = LeastSquares::fit(&y, &[group.clone(), age.clone()]).unwrap();
    near(exact.slopes[0], 3.0, 1e-12);
    near(exact.slopes[1], -2.0, 1e-13);
    assert_eq!(exact.coefficient(0), Err(Undefined::NoResiduals));
    // Alone a group's coefficient is Student's test.
    let y = [5.0, 7.0, 6.5, 1.0, 2.0, 4.0];
    let alone = LeastSquares::fit(&y, std::slice::from_ref(&group)).unwrap().coefficient(0).unwrap();
    let test = student(&y[..3], &y[3..]).unwrap();
    near(alone.t, test.t, 1e-13);
    near(alone.p, test.p, 1e-12);
    near(alone.hedges_g.unwrap(), test.hedges_g.unwrap(), 1e-13);
    let twice: Vec<f64> = age.iter().zip(&group).map(|(a, g)| 2.0 * a + g - 1e6).collect();
    let dependent = |columns: &[Vec<f64>]| LeastSquares::fit(&y, columns).unwrap_err().column;
    assert_eq!(dependent(&[group.clone(), age.clone(), twice]), 2);
    assert_eq!(dependent(&[group, vec![4.0; 6], age]), 1);
}

#[test]
fn what_is_not_defined_is_no_number() {
    assert_eq!(welch(&[1.0], &[2.0, 3.0]), Err(Undefined::TooFew { first: 1, second: 2 }));
    assert_eq!(student(&[0.1; 3], &[0.3; 5]), Err(Undefined::Constant));
    assert_eq!(paired(&[0.0, 1.0], &[1.0, 2.0]), Err(Undefined::ConstantDifferences));
    assert_eq!(mann_whitney(&[2.0; 9], &[2.0; 9]), Err(Undefined::AllEqual));
    assert!(welch(&[1.0, 1.0], &[2.0, 3.0]).is_ok());
    assert_eq!(GroupSummary::of(&[]), None);
    let all = GroupSummary::of(&[4.0, 1.0, 3.0, 2.0]).unwrap();
    assert_eq!((all.q1, all.median, all.q3, all.mean), (1.75, 2.5, 3.25, 2.5));
}

#[test]
fn adjusted_p_by_hand() {
    let p = [0.01, 0.04, 0.03, 0.005];
    let near_all = |found: Vec<f64>, expected: [f64; 4]| found.iter().zip(expected).for_each(|(f, e)| near(*f, e, 1e-14));
    near_all(holm(&p), [0.03, 0.06, 0.06, 0.02]);
    near_all(benjamini_hochberg(&p), [0.02, 0.04, 0.04, 0.02]);
    assert!(holm(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
}
