//! Protobuf's wire format read: nothing is believed before it is checked, nothing is copied.

/// A value of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// A whole number.
    Number(u64),
    /// Four bytes.
    Four([u8; 4]),
    /// Text, bytes, a message or packed numbers.
    Bytes(&'a [u8]),
}

/// A message: its fields in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields<'a>(Vec<(u64, Value<'a>)>);

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take<'a>(bytes: &mut &'a [u8], count: u64) -> Option<&'a [u8]> {
    let (own, rest) = bytes.split_at_checked(usize::try_from(count).ok()?)?;
    *bytes = rest;
    Some(own)
}

impl<'a> Fields<'a> {
    /// The fields of a message; none if it is damaged.
    pub fn parse(mut bytes: &'a [u8]) -> Option<Self> {
        let mut all = Vec::new();
        while !bytes.is_empty() {
            let tag = varint(&mut bytes)?;
            let value = match tag & 7 {
                0 => Value::Number(varint(&mut bytes)?),
                1 => Value::Bytes(take(&mut bytes, 8)?),
                2 => {
                    let count = varint(&mut bytes)?;
                    Value::Bytes(take(&mut bytes, count)?)
                }
                5 => Value::Four(take(&mut bytes, 4)?.try_into().ok()?),
                _ => return None,
            };
            all.push((tag >> 3, value));
        }
        Some(Self(all))
    }

    fn of(&self, field: u64) -> impl Iterator<Item = Value<'a>> + '_ {
        self.0.iter().filter(move |(own, _)| *own == field).map(|(_, value)| *value)
    }

    /// The bytes of each field of this number.
    pub fn bytes(&self, field: u64) -> impl Iterator<Item = &'a [u8]> + '_ {
        self.of(field).filter_map(|value| if let Value::Bytes(bytes) = value { Some(bytes) } else { None })
    }

    /// The messages of this number; none if one is damaged.
    pub fn messages(&self, field: u64) -> Option<Vec<Self>> {
        self.bytes(field).map(Self::parse).collect()
    }

    /// The first message of this number.
    pub fn message(&self, field: u64) -> Option<Self> {
        self.bytes(field).next().and_then(Self::parse)
    }

    /// The first text of this number; empty without one.
    pub fn text(&self, field: u64) -> &'a str {
        self.bytes(field).next().and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// All texts of this number.
    pub fn texts(&self, field: u64) -> Vec<&'a str> {
        self.bytes(field).map(|bytes| std::str::from_utf8(bytes).unwrap_or_default()).collect()
    }

    /// All whole numbers of this number, packed or one by one; none if they are damaged.
    pub fn numbers(&self, field: u64) -> Option<Vec<i64>> {
        let mut all = Vec::new();
        for value in self.of(field) {
            match value {
                Value::Number(number) => all.push(number as i64),
                Value::Bytes(mut packed) => {
                    while !packed.is_empty() {
                        all.push(varint(&mut packed)? as i64);
                    }
                }
                Value::Four(_) => return None,
            }
        }
        Some(all)
    }

    /// All floats of this number, packed or one by one.
    pub fn floats(&self, field: u64) -> Vec<f32> {
        let each = |value| match value {
            Value::Four(four) => vec![f32::from_le_bytes(four)],
            Value::Bytes(packed) => packed.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect(),
            Value::Number(_) => Vec::new(),
        };
        self.of(field).flat_map(each).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_wire_format() {
        let packed = Fields::parse(&[0x22, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05]).unwrap();
        assert_eq!(packed.numbers(4), Some(vec![3, 270, 86_942]));
        let text = Fields::parse(&[0x12, 0x07, b't', b'e', b's', b't', b'i', b'n', b'g', 0x08, 0x96, 0x01]).unwrap();
        assert_eq!((text.text(2), text.numbers(1)), ("testing", Some(vec![150])));
        assert_eq!(Fields::parse(&[0x15, 0, 0, 0x80, 0x3f]).unwrap().floats(2), [1.0]);
        for damaged in [
            &[0x12_u8, 0x07, b't'][..],
            &[0x08],
            &[0x0b],
            &[0xff; 11],
            &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
        ] {
            assert_eq!(Fields::parse(damaged), None, "{damaged:?}");
        }
    }
}
