//! Against scikit-learn 1.x and DeLong's formula over all pairs in NumPy: `tests/oracles/check_learn.py` prints these numbers.

use super::{Judged, youden_threshold};

fn close(ours: impl Into<Option<f64>>, theirs: f64) {
    let ours = ours.into().expect("a number");
    assert!((ours - theirs).abs() < 1e-9, "{ours} and {theirs}");
}

#[test]
fn a_binary_question_with_ties() {
    let score = |i: u64| (i * 37 % 101) as f64 / 100.0;
    let truth = |i: u64| usize::from((i * 53 % 97) as f64 + score(i) * 60.0 > 70.0);
    let judged = Judged {
        probabilities: (0..120).map(|i| vec![1.0 - score(i), score(i)]).collect(),
        truth: (0..120).map(truth).collect(),
    };
    let report = judged.report(Some(0.5));
    assert_eq!(report.confusion.counts, [[33, 18], [27, 42]]);
    close(report.confusion.accuracy(), 0.625);
    close(report.confusion.balanced_accuracy(), 0.6278772378516624);
    close(report.classes[1].precision, 0.7);
    close(report.classes[1].recall, 0.6086956521739131);
    close(report.classes[1].f1, 0.6511627906976745);
    close(report.confusion.correlation(), 0.2528608687120868);
    let [macro_f1, weighted_f1] = report.confusion.means(|class| class.f1);
    close(macro_f1, 0.6228786926461345);
    close(weighted_f1, 0.6271213073538655);
    close(report.confusion.means(|class| class.precision)[1], 0.63625);
    close(report.auc, 0.7237851662404092);
    let interval = report.auc_interval.expect("both kinds");
    close(interval.value, 0.7237851662404092);
    close(interval.error, 0.04611932446393634);
    close(interval.low, 0.633392951299777);
    close(interval.high, 0.8141773811810414);
    close(report.average_precision, 0.794068002216006);
    close(report.brier, 0.22544916666666664);
    close(report.calibration.expected_error, 0.13808333333333334);
    let (scores, positive) = judged.one_against_others(1);
    // The greatest J, 0.341, is at scores of 0.33 and above.
    close(youden_threshold(&scores, &positive), 0.325);
}

#[test]
fn three_classes() {
    let row = |i: u64| {
        let all = [i * 29 % 89 + 1, i * 41 % 83 + 1, i * 17 % 79 + 1].map(|x| x as f64);
        let sum: f64 = all.iter().sum();
        all.map(|x| x / sum).to_vec()
    };
    let truth = |i: u64| usize::from(i * 7 % 10 > 4) + usize::from(i * 11 % 13 > 9);
    let judged = Judged { probabilities: (0..120).map(row).collect(), truth: (0..120).map(truth).collect() };
    let report = judged.report(Some(0.5));
    assert_eq!(report.threshold, None, "a threshold is for two classes");
    assert_eq!(report.confusion.counts, [[19, 16, 10], [25, 19, 18], [5, 6, 2]]);
    close(report.confusion.correlation(), -0.03797479833401913);
    close(report.auc, 0.4276470548106392);
    close(report.confusion.means(|class| class.f1)[0], 0.28873687126594705);
    close(report.confusion.balanced_accuracy(), 0.2941733296572006);
    close(report.brier, 0.7931855957805981);
}
