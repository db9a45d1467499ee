//! Bytes: numbers of seven bits a byte, chunks with their length before them. Nothing is taken on
//! trust: every length is held against what is there before anything is allocated.

use crate::StateError;
use crate::record::VERSION_MAX;

#[derive(Default)]
pub(crate) struct Encoder {
    bytes: Vec<u8>,
}

pub(crate) struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Encoder {
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn cut(&mut self, len: usize) {
        self.bytes.truncate(len);
    }

    /// Overwrites one byte that was written before its value was known.
    pub(crate) fn patch(&mut self, at: usize, byte: u8) {
        self.bytes[at] = byte;
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn fixed(&mut self, number: u64) {
        self.raw(&number.to_be_bytes());
    }

    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.byte((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    pub(crate) fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)) as u64);
    }

    pub(crate) fn chunk(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.raw(bytes);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Decoder<'a> {
        Decoder { bytes, at: 0 }
    }

    pub(crate) fn refuse<T>(&self, what: &'static str) -> Result<T, StateError> {
        Err(StateError::Malformed { what, at: self.at })
    }

    pub(crate) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(crate) fn take(&mut self, len: usize, what: &'static str) -> Result<&'a [u8], StateError> {
        if len > self.left() {
            return self.refuse(what);
        }
        let taken = &self.bytes[self.at..self.at + len];
        self.at += len;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self, what: &'static str) -> Result<u8, StateError> {
        Ok(self.take(1, what)?[0])
    }

    pub(crate) fn array<const N: usize>(
        &mut self,
        what: &'static str,
    ) -> Result<[u8; N], StateError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    pub(crate) fn fixed(&mut self, what: &'static str) -> Result<u64, StateError> {
        Ok(u64::from_be_bytes(self.array(what)?))
    }

    /// Only the shortest writing of a number is one, so that equal values have equal bytes.
    pub(crate) fn number(&mut self, what: &'static str) -> Result<u64, StateError> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(what)?;
            let bits = u64::from(byte & 0x7f);
            if (bits << shift) >> shift != bits {
                return self.refuse(what);
            }
            number |= bits << shift;
            if byte < 0x80 {
                let shortest = byte != 0 || shift == 0;
                return if shortest {
                    Ok(number)
                } else {
                    self.refuse(what)
                };
            }
        }
        self.refuse(what)
    }

    /// How far a writer is.
    pub(crate) fn version(&mut self) -> Result<u64, StateError> {
        match self.number("version")? {
            version if version <= VERSION_MAX => Ok(version),
            _ => self.refuse("version"),
        }
    }

    pub(crate) fn signed(&mut self, what: &'static str) -> Result<i64, StateError> {
        let number = self.number(what)?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// A count of things of which each takes at least one byte.
    pub(crate) fn count(&mut self, what: &'static str) -> Result<usize, StateError> {
        let count = self.number(what)?;
        if count > self.left() as u64 {
            return self.refuse(what);
        }
        Ok(count as usize)
    }

    pub(crate) fn chunk(&mut self, max: usize, what: &'static str) -> Result<&'a [u8], StateError> {
        let len = self.count(what)?;
        if len > max {
            return self.refuse(what);
        }
        self.take(len, what)
    }

    pub(crate) fn flag(&mut self, what: &'static str) -> Result<bool, StateError> {
        match self.byte(what)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => self.refuse(what),
        }
    }

    pub(crate) fn end(&self) -> Result<(), StateError> {
        if self.left() == 0 {
            Ok(())
        } else {
            self.refuse("end")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_read_back(number: u64, signed: i64) {
            let mut encoder = Encoder::default();
            encoder.number(number);
            encoder.signed(signed);
            let bytes = encoder.finish();
            let mut decoder = Decoder::new(&bytes);
            prop_assert_eq!(decoder.number("number"), Ok(number));
            prop_assert_eq!(decoder.signed("number"), Ok(signed));
            prop_assert!(decoder.end().is_ok());
        }
    }

    #[test]
    fn a_number_has_only_one_writing() {
        for bytes in [&[0x80, 0x00][..], &[0xff; 10], &[0x80], &[]] {
            assert!(Decoder::new(bytes).number("number").is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_length_is_held_against_what_is_there() {
        let mut encoder = Encoder::default();
        encoder.number(u64::MAX);
        assert!(
            Decoder::new(encoder.as_slice())
                .chunk(usize::MAX, "chunk")
                .is_err()
        );
    }
}
