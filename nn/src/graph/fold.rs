//! Batch normalisation folded into the convolution before it: what is left is convolutions with a bias, which every runtime has.

use hounsfield::Result;

use super::{EPSILON, Network, Op, ParameterRole, Weights};

/// The same network without batch normalisation, for trained weights. Sums are made in f64 and rounded once.
///
/// # Errors
/// As [`Network::channel_counts`].
pub fn fold(network: &Network, weights: &Weights) -> Result<(Network, Weights)> {
    let parameters = network.parameters()?;
    let array = |name: &str, which: &str| {
        let wanted = format!("{name}.{which}");
        parameters.iter().find(|p| p.name == wanted).map(|p| weights.of(p)).unwrap_or_default()
    };
    let mut folded = Network::new(network.channels);
    let mut new = Weights::default();
    // Where each layer's result is found in the folded network.
    let mut now = vec![0];
    for (i, node) in network.nodes.iter().enumerate() {
        let from: Vec<usize> = node.from.iter().map(|&from| now[from]).collect();
        let norm = network.nodes.get(i + 1).filter(|next| next.op == Op::BatchNorm && next.from == [i + 1]);
        match node.op {
            Op::BatchNorm if i > 0 && matches!(network.nodes[i - 1].op, Op::Conv { .. }) && node.from == [i] => {
                now.push(now[i]);
                continue;
            }
            Op::Conv { outputs, kernel, stride, bias } => {
                let kernels = array(&node.name, "weight");
                let per_output = kernels.len() / outputs;
                let factors = norm.map(|norm| norm_factors(["gamma", "beta", "mean", "variance"].map(|w| array(&norm.name, w))));
                let old = if bias { array(&node.name, "bias") } else { &[] };
                let shift = |c: usize| old.get(c).map_or(0.0, |b| f64::from(*b));
                let factor = |c: usize| factors.as_ref().map_or([1.0, 0.0], |f| f[c]);
                new.trained.extend(kernels.iter().enumerate().map(|(j, w)| (f64::from(*w) * factor(j / per_output)[0]) as f32));
                new.trained.extend((0..outputs).map(|c| (shift(c) * factor(c)[0] + factor(c)[1]) as f32));
                now.push(folded.add(node.name.clone(), Op::Conv { outputs, kernel, stride, bias: true }, &from));
            }
            op => {
                let own = parameters.iter().filter(|p| p.name.rsplit_once('.').is_some_and(|(layer, _)| layer == node.name));
                for parameter in own {
                    let running = matches!(parameter.role, ParameterRole::Mean | ParameterRole::Variance);
                    if running { &mut new.running } else { &mut new.trained }.extend(weights.of(parameter));
                }
                now.push(folded.add(node.name.clone(), op, &from));
            }
        }
    }
    Ok((folded, new))
}

/// For each channel what it is multiplied by and what is added.
fn norm_factors([gamma, beta, mean, variance]: [&[f32]; 4]) -> Vec<[f64; 2]> {
    let each = |c: usize| {
        let factor = f64::from(gamma[c]) / (f64::from(variance[c]) + EPSILON).sqrt();
        [factor, f64::from(beta[c]) - f64::from(mean[c]) * factor]
    };
    (0..gamma.len()).map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::super::INPUT;
    use super::*;

    #[test]
    fn a_channel_by_hand() {
        let mut net = Network::new(1);
        net.block("c", [1, 1, 1], INPUT, true);
        // Weight 3, gamma 2, beta 1; mean 5, variance 4: (3 x - 5) / 2 * 2 + 1 = 3 x - 4.
        let weights = Weights { trained: vec![3.0, 2.0, 1.0], running: vec![5.0, 4.0 - EPSILON as f32] };
        let (folded, new) = fold(&net, &weights).unwrap();
        assert_eq!(folded.nodes.len(), 2);
        assert!((new.trained[0] - 3.0).abs() < 1e-6 && (new.trained[1] + 4.0).abs() < 1e-6, "{new:?}");
        assert!(new.running.is_empty());
    }
}
