//! Hand-worked mixtures, properties, and the edges where a likelihood has no maximum.

use super::em::{expect, maximise};
use super::*;
use crate::ops::testing::noise;

/// Counts like those of two tissues over 8-bit values, never the same twice.
fn data(seed: u64) -> Vec<(f64, u64)> {
    let bump = |x: f64, mean: f64, std: f64, n: f64| n * (-0.5 * ((x - mean) / std).powi(2)).exp();
    (0..200u64)
        .map(|v| {
            let x = v as f64;
            let n = bump(x, 60.0, 15.0, 900.0) + bump(x, 130.0, 10.0, 500.0) + (noise(seed * 500 + v) % 60) as f64;
            (x, n as u64 + 1)
        })
        .collect()
}

#[test]
fn one_class_is_mean_and_variance() {
    // 2, 4, 4, 10: mean 5, variance (9 + 1 + 1 + 25) / 4 = 9.
    let m = fit(&[(2.0, 1), (4.0, 2), (10.0, 1)], 1.0, &FitSettings::classes(1)).unwrap();
    let c = m.components[0];
    assert!((c.mean - 5.0).abs() < 1e-14 && (c.variance - 9.0).abs() < 1e-13 && c.weight == 1.0, "{c:?}");
    // The mean log-likelihood of a normal distribution at its own maximum: -(1 + ln 2π + ln variance) / 2.
    assert!((m.fit.log_likelihood + 0.5 * (1.0 + LN_2PI + 9f64.ln())).abs() < 1e-14);
    assert!(m.fit.converged && m.fit.count == 4);
    // Two parameters: BIC = 8 · 0.5 (1 + ln 2π + ln 9) + 2 ln 4.
    let deviance = 4.0 * (1.0 + LN_2PI + 9f64.ln());
    assert!((m.fit.bic() - deviance - 2.0 * 4f64.ln()).abs() < 1e-12 && (m.fit.aic() - deviance - 4.0).abs() < 1e-12);
}

#[test]
fn two_far_classes_by_hand() {
    // So far apart that responsibilities are 0 or 1: {0, 2} and {1000, 1000, 1004, 1004}.
    let m = fit(&[(0.0, 1), (2.0, 1), (1000.0, 2), (1004.0, 2)], 1.0, &FitSettings::classes(2)).unwrap();
    let [a, b] = [m.components[0], m.components[1]];
    assert!((a.weight - 1.0 / 3.0).abs() < 1e-14 && (a.mean - 1.0).abs() < 1e-12 && (a.variance - 1.0).abs() < 1e-9, "{a:?}");
    assert!((b.weight - 2.0 / 3.0).abs() < 1e-14 && (b.mean - 1002.0).abs() < 1e-12 && (b.variance - 4.0).abs() < 1e-9, "{b:?}");
    let posteriors = Classifier::new(&m).posteriors(1.0);
    assert_eq!((posteriors[0], posteriors[1], posteriors[2]), (1.0, 0.0, 0.0));
}

#[test]
fn the_likelihood_never_decreases() {
    for seed in 0..4 {
        let values: Vec<(f64, f64)> = data(seed).iter().map(|(v, n)| ((v - 90.0) / 40.0, *n as f64)).collect();
        for k in 1..=5 {
            let mut components: Vec<Component> = (0..k)
                .map(|j| Component { weight: 1.0 / k as f64, mean: -1.0 + 2.0 * j as f64 / k as f64, variance: 0.3 })
                .collect();
            let mut last = f64::NEG_INFINITY;
            for iteration in 0..300 {
                let e = expect(&values, &components);
                assert!(e.log_likelihood >= last - 1e-14, "seed {seed}, k {k}, iteration {iteration}");
                last = e.log_likelihood;
                components = maximise(&components, &e, 1e-5).unwrap();
                let weights: f64 = components.iter().map(|c| c.weight).sum();
                assert!((weights - 1.0).abs() < 1e-13);
            }
        }
    }
}

#[test]
fn all_starts_meet_and_scale_and_shift_go_through() {
    let values = data(7);
    let reference = fit(&values, 1.0, &FitSettings::classes(2)).unwrap();
    let starts = [Start::Quantile, Start::Otsu, Start::KMeans, Start::Means(vec![20.0, 100.0])];
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-5 * b.abs();
    for start in starts {
        let m = fit(&values, 1.0, &FitSettings { start: start.clone(), ..FitSettings::classes(2) }).unwrap();
        for (a, b) in m.components.iter().zip(&reference.components) {
            assert!(close(a.mean, b.mean) && close(a.variance, b.variance) && close(a.weight, b.weight), "{start:?} {a:?} {b:?}");
        }
    }
    let moved: Vec<(f64, u64)> = values.iter().map(|(v, n)| (v * 0.25 - 1e6, *n)).collect();
    let m = fit(&moved, 0.25, &FitSettings::classes(2)).unwrap();
    for (a, b) in m.components.iter().zip(&reference.components) {
        assert!(close(a.mean + 1e6, b.mean * 0.25) && close(a.variance, b.variance / 16.0), "{a:?} {b:?}");
    }
    assert!((m.fit.log_likelihood - (reference.fit.log_likelihood + 4f64.ln())).abs() < 1e-9);
}

#[test]
fn counts_are_voxels() {
    // Twice the counts: the same mixture; the same counts split among voxels of one value cannot be told apart by construction.
    let twice: Vec<(f64, u64)> = data(3).iter().map(|(v, n)| (*v, 2 * n)).collect();
    let (a, b) = (fit(&data(3), 1.0, &FitSettings::classes(3)).unwrap(), fit(&twice, 1.0, &FitSettings::classes(3)).unwrap());
    assert_eq!(a.components.len(), 3);
    for (a, b) in a.components.iter().zip(&b.components) {
        assert!((a.mean - b.mean).abs() < 1e-6 && (a.weight - b.weight).abs() < 1e-6);
    }
    assert_eq!(b.fit.count, 2 * a.fit.count);
}

#[test]
fn what_cannot_be_fitted_says_why() {
    let error = |values: &[(f64, u64)], settings: &FitSettings| fit(values, 1.0, settings).unwrap_err().to_string();
    let k = FitSettings::classes;
    assert!(error(&[], &k(2)).contains("no voxel counts"));
    assert!(error(&[(5.0, 100)], &k(2)).contains("1 distinct value cannot make 2 classes"));
    assert!(error(&data(0), &k(0)).contains("0 classes") && error(&data(0), &k(9)).contains("9 classes"));
    let means = |m: &[f64]| FitSettings { start: Start::Means(m.to_vec()), ..k(2) };
    assert!(error(&data(0), &means(&[1.0])).contains("1 means for 2 classes"));
    assert!(error(&data(0), &means(&[5.0, 1.0])).contains("do not ascend"));
    assert!(error(&data(0), &means(&[5.0, f64::NAN])).contains("do not ascend"));
    assert!(error(&data(0), &FitSettings { tolerance: f64::NAN, ..k(2) }).contains("tolerance"));
    assert!(error(&data(0), &FitSettings { max_iterations: 0, ..k(2) }).contains("no iterations"));
    // A mean so far away that no voxel's responsibility for it can be held by a number.
    assert!(error(&data(0), &means(&[90.0, 1e9])).contains("class 2 of 2 lost all its voxels"));
}

#[test]
fn spikes_and_constants_stay_finite() {
    let constant = fit(&[(7.0, 1000)], 1.0, &FitSettings::classes(1)).unwrap();
    assert_eq!((constant.components[0].mean, constant.components[0].variance), (7.0, 1.0 / 12.0));
    // As many classes as values: each a spike at the floor.
    let spikes = fit(&[(0.0, 500), (50.0, 300), (51.0, 200)], 1.0, &FitSettings::classes(3)).unwrap();
    for c in &spikes.components {
        assert!(c.mean.is_finite() && c.variance >= 1.0 / 12.0 - 1e-12 && c.weight > 0.0, "{c:?}");
    }
    // Nineteen of twenty voxels are air.
    let mut air = data(1);
    air[0].1 = 5_000_000;
    for k in 1..=MOST_CLASSES {
        let m = fit(&air, 1.0, &FitSettings { max_iterations: 200, ..FitSettings::classes(k) }).unwrap();
        assert!(m.components.iter().all(|c| c.mean.is_finite() && c.variance > 0.0) && m.fit.log_likelihood.is_finite());
        assert!(m.components.windows(2).all(|p| p[0].mean <= p[1].mean));
    }
}

#[test]
fn wide_classes_come_back_unless_forbidden() {
    let fit = Fit { log_likelihood: 0.0, iterations: 1, converged: true, count: 1, parameters: 5 };
    let components =
        vec![Component { weight: 0.5, mean: 100.0, variance: 900.0 }, Component { weight: 0.5, mean: 130.0, variance: 16.0 }];
    let m = Mixture { components, fit };
    let values = || (0..256).map(f64::from);
    let free = spans(&Classifier::new(&m), values());
    assert_eq!(free.iter().map(|r| r.label).collect::<Vec<_>>(), [1, 2, 1]);
    let monotone = spans(&Classifier::monotone(&m), values());
    assert_eq!(monotone.iter().map(|r| r.label).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(monotone[1].from, free[1].from);
    // Equal densities: the lower class.
    let same = vec![m.components[0]; 2];
    let twins = Mixture { components: same, fit };
    assert_eq!(Classifier::new(&twins).label(100.0), 1);
    assert!(Classifier::new(&twins).posteriors(31.0).iter().take(2).all(|p| *p == 0.5));
}

/// Counts of bells (mean, standard deviation, voxels) over whole numbers.
fn bells(range: std::ops::Range<i32>, all: &[[f64; 3]]) -> Vec<(f64, u64)> {
    let bell = |x: f64, [mean, std, n]: [f64; 3]| n / std / 2.506_628_274_631 * (-0.5 * ((x - mean) / std).powi(2)).exp();
    range
        .map(|v| (f64::from(v), all.iter().map(|b| bell(f64::from(v), *b)).sum::<f64>().round() as u64))
        .filter(|v| v.1 > 0)
        .collect()
}

/// A narrow organ within a wide one, and two more beside them: from the optimal partition EM comes to a lower maximum. Times `n`: as fine as that.
fn organs(n: i32) -> Vec<(f64, u64)> {
    let all = [[201.0, 22.0, 9702.0], [78.0, 2.0, 13_092.0], [171.0, 21.0, 5997.0], [65.0, 17.0, 16_199.0]];
    let f = f64::from(n);
    bells(0..256 * n, &all.map(|[mean, std, voxels]| [mean * f, std * f, voxels * f * f]))
}

#[test]
fn the_best_of_several_starts_wins_over_a_lower_maximum() {
    let (found, trials) = search(&organs(1), 1.0, &FitSettings::classes(3)).unwrap();
    let otsu = fit(&organs(1), 1.0, &FitSettings { start: Start::Otsu, ..FitSettings::classes(3) }).unwrap();
    let above = found.fit.log_likelihood - otsu.fit.log_likelihood;
    assert!(above > 0.01, "{above}: {trials:?}");
    assert!(trials.all.len() == STARTS.len() && (trials.above(&Start::Otsu).unwrap() - above).abs() < 1e-4, "{trials:?}");
    for (c, [mean, std, share]) in found.components.iter().zip([[64.99, 16.97, 0.36], [78.0, 2.0, 0.29], [189.18, 25.78, 0.35]]) {
        assert!((c.mean - mean).abs() < 0.01 && (c.std() - std).abs() < 0.01 && (c.weight - share).abs() < 0.005, "{c:?}");
    }
    // The winner is the first of those that come as high, the second the next of them.
    let high = |t: &&Trial| t.fit.is_some_and(|fit| fit.log_likelihood >= found.fit.log_likelihood - TIE);
    let mut ties = trials.all.iter().filter(high);
    assert_eq!((ties.next(), ties.next()), (Some(trials.winner()), trials.second()));
    // Every start by its name gives what it gave among the others, where it came to its end there.
    for trial in trials.all.iter().filter(|t| t.fit.is_some_and(|fit| fit.converged)) {
        let (alone, one) =
            search(&organs(1), 1.0, &FitSettings { start: trial.start.clone(), ..FitSettings::classes(3) }).unwrap();
        assert_eq!((Some(alone.fit), one.all.len(), one.second()), (trial.fit, 1, None), "{}", trial.start);
    }
}

#[test]
fn threads_do_not_change_which_start_wins() {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| search(&organs(1), 1.0, &FitSettings { max_iterations: 60, ..FitSettings::classes(4) }).unwrap())
    };
    assert_eq!(with(1), with(5));
}

#[test]
fn ties_go_to_the_first_start_and_one_class_needs_one() {
    let apart = bells(0..256, &[[60.0, 8.0, 5000.0], [180.0, 10.0, 9000.0]]);
    let (_, trials) = search(&apart, 1.0, &FitSettings::classes(2)).unwrap();
    assert_eq!(trials.winner().start, Start::Otsu);
    let second = trials.second().unwrap();
    assert_eq!(second.start, Start::Quantile);
    assert!(trials.above(&second.start).unwrap().abs() <= TIE && trials.left_out() == 0);
    let (_, trials) = search(&apart, 1.0, &FitSettings::classes(1)).unwrap();
    assert_eq!((trials.all.len(), trials.second(), trials.above(&Start::Quantile)), (1, None, None));
}

#[test]
fn a_collapsed_class_does_not_win_by_the_height_of_its_spike() {
    // Two tissues, and a twentieth of the voxels at the end of the scale.
    let mut values = bells(0..255, &[[90.0, 12.0, 40_000.0], [150.0, 12.0, 40_000.0]]);
    values.push((255.0, 4000));
    let (found, trials) = search(&values, 1.0, &FitSettings::classes(2)).unwrap();
    let higher = |t: &Trial| t.fit.is_some_and(|fit| fit.log_likelihood > found.fit.log_likelihood);
    assert!(trials.all.iter().any(|t| t.collapsed && higher(t)), "{trials:?}");
    assert!(
        !trials.winner().collapsed && trials.left_out() > 0 && found.components.iter().all(|c| c.variance > 1.0),
        "{found:?}"
    );
    // A background of one value is a class of its own: it holds more than half of an even share.
    let mut values = bells(1..255, &[[90.0, 12.0, 20_000.0], [140.0, 12.0, 20_000.0]]);
    values.insert(0, (0.0, 25_000));
    let (found, trials) = search(&values, 1.0, &FitSettings::classes(3)).unwrap();
    assert!(found.components[0].variance < 0.1 && found.components[0].mean.abs() < 0.1, "{found:?}");
    assert!((found.components[1].mean - 90.0).abs() < 1.0 && !trials.winner().collapsed);
    // Where there is nothing but single values, all starts collapse, and one of them wins.
    let (_, trials) = search(&[(0.0, 900), (50.0, 60), (90.0, 40)], 1.0, &FitSettings::classes(3)).unwrap();
    assert!(trials.winner().collapsed && trials.left_out() == 0);
}

#[test]
fn large_tables_choose_with_neighbours_together_and_fit_every_value() {
    let fine = organs(33);
    assert!(fine.len() > COARSE);
    let settings = FitSettings { tolerance: 1e-7, ..FitSettings::classes(3) };
    let (found, trials) = search(&fine, 1.0, &settings).unwrap();
    assert!(trials.above(&Start::Otsu).unwrap() > 0.1);
    let alone = fit(&fine, 1.0, &FitSettings { start: trials.winner().start.clone(), ..settings }).unwrap();
    assert!((found.fit.log_likelihood - alone.fit.log_likelihood).abs() < 1e-5, "{found:?} {alone:?}");
    assert!((found.components[1].mean - 33.0 * 78.0).abs() < 1.0 && found.fit.count == alone.fit.count);
}
