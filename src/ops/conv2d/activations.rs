//! What layers of a network hand on.

/// Images, pixels and channels of [`Activations`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActivationShape {
    /// How many images.
    pub images: usize,
    /// Pixels.
    pub height: usize,
    /// Pixels.
    pub width: usize,
    /// Numbers of a pixel.
    pub channels: usize,
}

impl ActivationShape {
    /// Words of 32 bits of a pixel: two channels each, of which the last may be empty.
    pub fn words(&self) -> usize {
        self.channels.div_ceil(2)
    }

    /// Pixels of all images.
    pub fn pixels(&self) -> usize {
        self.images * self.height * self.width
    }

    /// Numbers, empty ones included.
    pub fn len(&self) -> usize {
        2 * self.words() * self.pixels()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same images with another size and other channels.
    #[must_use]
    pub fn of(self, height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels, ..self }
    }

    pub(crate) fn param(&self) -> [u32; 4] {
        [self.images, self.height, self.width, self.words()].map(|n| n as u32)
    }
}

/// Numbers of 16 bits, channels of a pixel beside each other, then pixels along x, y and image by image. An odd number of channels is followed by a 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activations {
    /// How many.
    pub shape: ActivationShape,
    /// All of them.
    pub values: Vec<i16>,
}

impl Activations {
    /// All 0.
    pub fn zero(shape: ActivationShape) -> Self {
        Self { shape, values: vec![0; shape.len()] }
    }

    /// From values without empty ones, channels beside each other.
    ///
    /// # Panics
    /// For another number of values.
    pub fn new(shape: ActivationShape, values: &[i16]) -> Self {
        assert_eq!(values.len(), shape.pixels() * shape.channels, "values of {shape:?}");
        let mut all = Self::zero(shape);
        if shape.channels > 0 {
            let pixels = all.values.chunks_exact_mut(2 * shape.words()).zip(values.chunks_exact(shape.channels));
            pixels.for_each(|(to, own)| to[..own.len()].copy_from_slice(own));
        }
        all
    }
}

/// From which channel of a pixel on a result is written; even.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChannelSlot(pub usize);

impl ChannelSlot {
    /// # Panics
    /// Unless results of `own` fit into activations of `whole` from here on.
    pub(crate) fn check(self, own: &ActivationShape, whole: &ActivationShape) {
        let same = (own.images, own.height, own.width) == (whole.images, whole.height, whole.width);
        assert!(
            same && self.0.is_multiple_of(2) && self.0 + own.channels <= whole.channels,
            "{own:?} in {whole:?} from channel {}",
            self.0
        );
    }
}
