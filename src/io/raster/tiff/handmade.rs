//! TIFF files made by hand, field by field, for tests.

/// A page: its strips or tiles, and its fields but those that say where they lie.
#[derive(Debug, Clone, Default)]
pub(super) struct Made {
    pub(super) fields: Vec<(u16, Vec<u32>)>,
    pub(super) text: Vec<u8>,
    pub(super) strips: Vec<Vec<u8>>,
}

impl Made {
    /// One strip of grey.
    pub(super) fn grey(size: [u32; 2], bits: u32, pixels: &[u8]) -> Self {
        let fields = vec![(256, vec![size[0]]), (257, vec![size[1]]), (258, vec![bits]), (259, vec![1]), (262, vec![1])];
        Self { fields, text: Vec::new(), strips: vec![pixels.to_vec()] }
    }

    /// The same with a field, in the place of one that is there.
    pub(super) fn with(mut self, tag: u16, values: &[u32]) -> Self {
        self.fields.retain(|(t, _)| *t != tag);
        self.fields.push((tag, values.to_vec()));
        self
    }

    pub(super) fn told(mut self, text: &str) -> Self {
        self.text = [text.as_bytes(), &[0]].concat();
        self
    }
}

/// A file of these pages, pixels before directories; big-endian, or little.
pub(super) fn file(pages: &[Made], big_endian: bool) -> Vec<u8> {
    let word = |n: u16| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
    let long = |n: u32| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
    let mut out = if big_endian { b"MM\0*\0\0\0\0".to_vec() } else { b"II*\0\0\0\0\0".to_vec() };
    let mut link = 4;
    for page in pages {
        let mut fields: Vec<(u16, u16, u32, Vec<u8>)> = Vec::new();
        let (offsets, lengths) = if page.fields.iter().any(|(tag, _)| *tag == 322) { (324, 325) } else { (273, 279) };
        let mut places = (Vec::new(), Vec::new());
        for strip in &page.strips {
            places.0.push(out.len() as u32);
            places.1.push(strip.len() as u32);
            out.extend(strip);
        }
        let numbers = page.fields.iter().cloned().chain([(offsets, places.0), (lengths, places.1)]);
        for (tag, values) in numbers {
            // Resolutions are fractions.
            let (kind, count) = if matches!(tag, 282 | 283) { (5, values.len() / 2) } else { (4, values.len()) };
            fields.push((tag, kind, count as u32, values.iter().flat_map(|v| long(*v)).collect()));
        }
        if !page.text.is_empty() {
            fields.push((270, 2, page.text.len() as u32, page.text.clone()));
        }
        fields.sort_by_key(|field| field.0);
        let mut entries = Vec::new();
        for (tag, kind, count, mut value) in fields {
            if value.len() > 4 {
                let at = long(out.len() as u32);
                out.append(&mut value);
                value = at.to_vec();
            }
            value.resize(4, 0);
            entries.extend([&word(tag)[..], &word(kind), &long(count), &value].concat());
        }
        let at = out.len() as u32;
        out[link..link + 4].copy_from_slice(&long(at));
        out.extend(word((entries.len() / 12) as u16));
        out.extend(entries);
        link = out.len();
        out.extend([0; 4]);
    }
    out
}
