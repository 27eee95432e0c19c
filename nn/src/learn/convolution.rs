//! Convolution and its gradients as products of matrices: the pixels that a window sees stand beneath each other (im2col), one column for each place.
//!
//! burn's own gradients of a convolution are convolutions with a window as large as the image, which took two thirds of a step on the CPU (perf, 28 x 28, batch
//! 64). The products are burn's.

use burn_tensor::{Device, Tensor, TensorData};

/// A convolution: square windows, padded with `kernel / 2` zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Convolution {
    /// Channels in.
    pub inputs: usize,
    /// Channels out.
    pub outputs: usize,
    /// Side of the window, odd.
    pub kernel: usize,
    /// Step.
    pub stride: usize,
}

/// Numbers that are laid out at once: about what a core's cache holds.
const AT_ONCE: usize = 1 << 19;

/// The numbers of a tensor, in order.
pub fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as::<f32>().expect("a tensor of 32-bit floats on the CPU")
}

impl Convolution {
    fn pad(&self) -> usize {
        self.kernel / 2
    }

    /// Rows or columns of the result.
    fn places(&self, length: usize) -> usize {
        (length + 2 * self.pad() - self.kernel) / self.stride + 1
    }

    /// Numbers that one place sees.
    fn seen(&self) -> usize {
        self.inputs * self.kernel * self.kernel
    }

    /// Calls `each` for every run of places in a row: where they begin in the columns, how many there are, and where in the image the first one looks.
    fn runs(&self, [height, width]: [usize; 2], mut each: impl FnMut(usize, usize, usize)) {
        let [rows, columns] = [height, width].map(|length| self.places(length));
        let (pad, stride) = (self.pad(), self.stride);
        let mut at = 0;
        for channel in 0..self.inputs {
            for down in 0..self.kernel {
                for across in 0..self.kernel {
                    // The places whose pixel lies in the row: 0 <= place * stride + across - pad < width.
                    let first = pad.saturating_sub(across).div_ceil(stride);
                    let end = columns.min((width + pad - across).div_ceil(stride));
                    for row in 0..rows {
                        let y = row * stride + down;
                        if y >= pad && y < height + pad && first < end {
                            let x = first * stride + across - pad;
                            each(at + first, end - first, (channel * height + y - pad) * width + x);
                        }
                        at += columns;
                    }
                }
            }
        }
    }

    /// What each place sees: as many rows as numbers are seen, a column for each place.
    fn columns(&self, image: &[f32], size: [usize; 2], out: &mut [f32]) {
        out.fill(0.0);
        let stride = self.stride;
        self.runs(size, |at, count, from| {
            if stride == 1 {
                out[at..at + count].copy_from_slice(&image[from..from + count]);
            } else {
                out[at..at + count].iter_mut().zip(image[from..].iter().step_by(stride)).for_each(|(to, value)| *to = *value);
            }
        });
    }

    /// Adds what was seen back to the pixels.
    fn add_back(&self, columns: &[f32], size: [usize; 2], image: &mut [f32]) {
        let stride = self.stride;
        self.runs(size, |at, count, from| {
            image[from..].iter_mut().step_by(stride).zip(&columns[at..at + count]).for_each(|(to, value)| *to += value);
        });
    }

    /// How many images are laid out at once.
    fn group(&self, places: usize) -> usize {
        (AT_ONCE / (self.seen() * places)).max(1)
    }

    fn laid_out(&self, images: &[f32], size: [usize; 2], device: &Device) -> Tensor<3> {
        let (pixels, places) = (self.inputs * size[0] * size[1], self.places(size[0]) * self.places(size[1]));
        let count = images.len() / pixels;
        if self.kernel == 1 && self.stride == 1 {
            return Tensor::from_data(TensorData::new(images.to_vec(), [count, pixels / places, places]), device);
        }
        let mut all = vec![0.0; count * self.seen() * places];
        let each = images.chunks_exact(pixels).zip(all.chunks_exact_mut(self.seen() * places));
        each.for_each(|(image, columns)| self.columns(image, size, columns));
        Tensor::from_data(TensorData::new(all, [count, self.seen(), places]), device)
    }

    /// The result for images, n x channels x height x width.
    pub fn forward(&self, images: Tensor<4>, weight: &Tensor<1>, bias: Option<Tensor<1>>) -> Tensor<4> {
        let device = images.device();
        let [n, _, height, width] = images.dims();
        let size = [height, width];
        let [rows, columns] = size.map(|length| self.places(length));
        let values = numbers(images);
        let pixels = self.inputs * height * width;
        let weight = weight.clone().reshape([1, self.outputs, self.seen()]);
        let parts = values.chunks(self.group(rows * columns) * pixels).map(|some| {
            let seen = self.laid_out(some, size, &device);
            let own = weight.clone().expand([seen.dims()[0], self.outputs, self.seen()]);
            own.matmul(seen)
        });
        let result = Tensor::cat(parts.collect(), 0);
        let result = match bias {
            Some(bias) => result + bias.reshape([1, self.outputs, 1]),
            None => result,
        };
        result.reshape([n, self.outputs, rows, columns])
    }

    /// From the gradient of the result those of the weights and, if they are wanted, of the images.
    pub fn backward(
        &self,
        images: Tensor<4>,
        weight: &Tensor<1>,
        gradient: Tensor<4>,
        wanted: bool,
    ) -> (Tensor<1>, Option<Tensor<4>>) {
        let device = images.device();
        let [n, _, height, width] = images.dims();
        let size = [height, width];
        let [_, _, rows, columns] = gradient.dims();
        let (pixels, places) = (self.inputs * height * width, rows * columns);
        let gradient = gradient.reshape([n, self.outputs, places]);
        let across = weight.clone().reshape([1, self.outputs, self.seen()]).swap_dims(1, 2);
        let values = numbers(images);
        let mut sum = Tensor::<3>::zeros([1, self.outputs, self.seen()], &device);
        let mut back = vec![0.0; if wanted { values.len() } else { 0 }];
        let group = self.group(places);
        for (i, some) in values.chunks(group * pixels).enumerate() {
            let seen = self.laid_out(some, size, &device);
            let count = seen.dims()[0];
            let own = gradient.clone().narrow(0, i * group, count);
            sum = sum + own.clone().matmul(seen.swap_dims(1, 2)).sum_dim(0);
            if wanted {
                let columns = numbers(across.clone().expand([count, self.seen(), self.outputs]).matmul(own));
                let images = back[i * group * pixels..].chunks_exact_mut(pixels);
                columns.chunks_exact(self.seen() * places).zip(images).for_each(|(own, image)| self.add_back(own, size, image));
            }
        }
        let back = wanted.then(|| Tensor::from_data(TensorData::new(back, [n, self.inputs, height, width]), &device));
        (sum.reshape([self.outputs * self.seen()]), back)
    }
}

#[cfg(test)]
mod tests {
    use burn_tensor::module::conv2d;
    use burn_tensor::ops::ConvOptions;

    use super::*;
    use crate::random::Random;

    fn close(a: &[f32], b: &[f32]) {
        assert_eq!(a.len(), b.len());
        let far = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(far < 1e-4, "{far}");
    }

    #[test]
    fn result_and_gradients_are_those_of_burns_own_convolution() {
        let device = Device::flex().autodiff();
        let mut random = Random::new(1, "convolution", 0);
        let mut draw = |n: usize| (0..n).map(|_| random.normal() as f32).collect::<Vec<f32>>();
        for (kernel, stride, size) in
            [(3, 1, [7, 6]), (3, 2, [7, 6]), (3, 2, [8, 9]), (1, 1, [5, 4]), (1, 2, [5, 4]), (5, 1, [6, 6])]
        {
            let own = Convolution { inputs: 3, outputs: 4, kernel, stride };
            let (x, w, b) = (draw(2 * 3 * size[0] * size[1]), draw(4 * 3 * kernel * kernel), draw(4));
            let leaf =
                |values: &[f32]| Tensor::<1>::from_data(TensorData::new(values.to_vec(), [values.len()]), &device).require_grad();
            let (lx, lw, lb) = (leaf(&x), leaf(&w), leaf(&b));
            let shaped = lx.clone().reshape([2, 3, size[0], size[1]]);
            let options = ConvOptions::new([stride; 2], [kernel / 2; 2], [1; 2], 1);
            let theirs = conv2d(shaped.clone(), lw.clone().reshape([4, 3, kernel, kernel]), Some(lb.clone()), options);
            let plain = shaped.inner();
            let (weight, bias) = (lw.clone().inner(), lb.clone().inner());
            let result = own.forward(plain.clone(), &weight, Some(bias));
            assert_eq!(result.dims(), theirs.dims());
            close(&numbers(result.clone()), &numbers(theirs.clone().inner()));
            let g = Tensor::<1>::from_data(
                TensorData::new(draw(result.dims().iter().product()), [result.dims().iter().product::<usize>()]),
                &Device::flex(),
            );
            let g = g.reshape(result.dims());
            let gradients = (theirs * g.clone().autodiff()).sum().backward();
            let (of_weight, of_images) = own.backward(plain, &weight, g, true);
            close(&numbers(of_weight), &numbers(lw.grad(&gradients).unwrap()));
            close(&numbers(of_images.unwrap()), &numbers(lx.grad(&gradients).unwrap()));
        }
    }
}
