use super::*;

#[test]
fn the_start_is_the_best_cut() {
    // Three heaps, and the least sum of squares over all cuts by trying them.
    let mut counts = vec![0u64; 60];
    for (at, n) in [(3, 10), (5, 30), (9, 4), (21, 50), (22, 50), (30, 5), (47, 9), (50, 20), (59, 1)] {
        counts[at] = n;
    }
    let spread = |range: std::ops::Range<usize>| {
        let n: f64 = counts[range.clone()].iter().map(|c| *c as f64).sum();
        let mean = range.clone().map(|i| i as f64 * counts[i] as f64).sum::<f64>() / n;
        if n > 0.0 { range.map(|i| counts[i] as f64 * (i as f64 - mean).powi(2)).sum() } else { f64::INFINITY }
    };
    let mut best = (f64::INFINITY, 0, 0);
    for a in 1..59 {
        for b in a + 1..60 {
            let cost: f64 = spread(0..a) + spread(a..b) + spread(b..60);
            if cost < best.0 {
                best = (cost, a, b);
            }
        }
    }
    let found = start(&counts, 3, LevelSpace::One);
    let mean = |range: std::ops::Range<usize>| {
        let n: u64 = counts[range.clone()].iter().sum();
        range.map(|i| i as f64 * counts[i] as f64).sum::<f64>() / n as f64
    };
    let want = [mean(0..best.1), mean(best.1..best.2), mean(best.2..60)];
    found.iter().zip(want).for_each(|(class, want)| assert!((class.mean - want).abs() < 1e-9, "{found:?} {want}"));
    assert!((found.iter().map(|class| class.share).sum::<f64>() - 1.0).abs() < 1e-12);
    // As many as there are levels, and no NaN.
    let mut two = vec![0; 60];
    (two[7], two[9]) = (5, 1);
    assert_eq!(start(&two, 3, LevelSpace::One).len(), 2);
    assert!(start(&two, 2, LevelSpace::One).iter().all(|class| class.std >= 0.2 && class.mean.is_finite()));
    assert!(start(&[0; 10], 3, LevelSpace::One).is_empty());
}

#[test]
fn an_empty_class_stays_as_it_was() {
    let class = |mean: f64| TissueClass { mean, std: 10.0, second: None, share: 0.5, empty: false };
    let mut classes = [class(100.0), class(200.0)];
    let mut counts = vec![vec![0u64; 1024]; 2];
    (counts[0][90], counts[0][110]) = (255 * 4, 255 * 4);
    TissueClass::learn(&mut classes, &counts, LevelSpace::One);
    assert_eq!((classes[0].mean, classes[0].empty, classes[0].share), (100.0, false, 1.0));
    assert_eq!((classes[1].mean, classes[1].empty, classes[1].share), (200.0, true, 0.0));
    // 0.17 to 0.35 of the way to the nearest other.
    assert_eq!((classes[0].std, classes[1].std), (17.0, 17.0));
}

#[test]
fn a_gain_is_found_again() {
    // Blocks of 8 mm with one class of level 500 and a gain that rises along x by e^0.004 a mm.
    let grid = BlockGrid::new([160, 80, 80], [1.0; 3], 8.0);
    let classes = [TissueClass { mean: 500.0, std: 50.0, second: None, share: 1.0, empty: false }];
    let gain = |block: usize| 0.004 * (8.0 * (block % grid.blocks[0]) as f64 - 76.0);
    let log = |block: usize| (1024.0 * (libm::log(16.0 * 500.0) + gain(block))).round() as u32;
    let sums = BlockSums { weights: vec![255; grid.len()], logs: (0..grid.len()).map(|block| 255 * log(block)).collect() };
    let nodes = SmoothField::new(grid, [1.0; 3], 20.0).nodes(&sums, &classes, (0, LevelSpace::One));
    let off = |block: usize| (f64::from(nodes[block]) / 4096.0 - gain(block)).abs();
    // Smoothing pulls at the ends alone.
    let middle = |block: &usize| (5..15).contains(&(block % grid.blocks[0]));
    let worst = (0..grid.len()).filter(middle).map(off).fold(0.0, f64::max);
    assert!(worst < 0.002, "{worst}");
    let mean: f64 = nodes.iter().map(|node| f64::from(*node)).sum::<f64>() / nodes.len() as f64;
    assert!(mean.abs() < 1.0, "{mean}");
    let none = BlockSums { weights: vec![0; grid.len()], logs: vec![0; grid.len()] };
    assert!(SmoothField::new(grid, [1.0; 3], 20.0).nodes(&none, &classes, (0, LevelSpace::One)).iter().all(|node| *node == 0));
}

#[test]
fn two_channels_are_learnt_together() {
    // Two clouds that overlap in either channel alone: sums by hand.
    let space = LevelSpace::Two;
    let mut counts = vec![vec![0u64; space.levels()]; 2];
    let points = [[(60, 90, 2), (64, 98, 3), (70, 100, 4)], [(62, 40, 1), (90, 60, 5), (99, 61, 3)]];
    for (own, points) in counts.iter_mut().zip(points) {
        points.iter().for_each(|(x, y, n)| own[x << 8 | y] = 255 * n);
    }
    let any = TissueClass { mean: 0.0, std: 1.0, second: None, share: 0.0, empty: false };
    let mut found = [any; 2];
    TissueClass::learn(&mut found, &counts, space);
    for (class, points) in found.iter().zip(points) {
        let n: f64 = points.iter().map(|p| p.2 as f64).sum();
        let mean =
            |f: &dyn Fn(f64, f64) -> f64| points.iter().map(|(x, y, n)| *n as f64 * f(*x as f64, *y as f64)).sum::<f64>() / n;
        let (x, y) = (mean(&|x, _| x), mean(&|_, y| y));
        let second = class.second.unwrap();
        assert!((class.mean - x).abs() < 1e-9 && (second.mean - y).abs() < 1e-9, "{found:?}");
        // The shape stays, the size lies within its bounds along the way to the other.
        let (xx, yy, xy) = (mean(&|x, _| x * x) - x * x, mean(&|_, y| y * y) - y * y, mean(&|x, y| x * y) - x * y);
        assert!((second.correlation - (xy / (xx * yy).sqrt()).min(0.95)).abs() < 1e-9);
        assert!((class.std / second.std - (xx / yy).sqrt()).abs() < 1e-9 * second.std || class.std == 1.0 || second.std == 1.0);
    }
    let way = [found[1].mean - found[0].mean, found[1].second.unwrap().mean - found[0].second.unwrap().mean];
    let far = way[0].hypot(way[1]);
    for class in found {
        let second = class.second.unwrap();
        let [a, b] = [way[0] * class.std, way[1] * second.std];
        let along = (a * a + b * b + 2.0 * second.correlation * a * b).sqrt() / far;
        assert!(along > 0.17 * far - 1e-9 && along < 0.35 * far + 1e-9, "{along} of {far}");
        // The density is that of a Gaussian: its energy differs between two levels as the quadratic form does.
        let by_level = class.gaussian().energy();
        let energy = |x: usize, y: usize| by_level(x << 8 | y);
        let form = |x: f64, y: f64| {
            let (a, b, r) = ((x - class.mean) / class.std, (y - second.mean) / second.std, second.correlation);
            0.5 * (a * a - 2.0 * r * a * b + b * b) / (1.0 - r * r)
        };
        assert!((energy(70, 90) - energy(10, 200) - form(70.0, 90.0) + form(10.0, 200.0)).abs() < 1e-6);
    }
    // The start is cut in the first channel, and the second one follows.
    let both: Vec<u64> = counts[0].iter().zip(&counts[1]).map(|(a, b)| a + b).collect();
    let first = start(&both, 2, space);
    assert!(
        first.len() == 2 && first[0].mean < 75.0 && first[1].mean > 89.0 && first[1].second.unwrap().mean < 61.0,
        "{first:?}"
    );
}
