//! `Wrong`: what is wrong with JSON that was read, and where.

use std::fmt;

/// A step of the way into a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// Into a field of an object.
    Field(String),
    /// Into an item of a list.
    Item(usize),
}

/// What is wrong with a value, and the way to it.
#[derive(Debug)]
pub struct Wrong(Box<Inner>);

#[derive(Debug)]
struct Inner {
    what: String,
    /// The way, its last step first.
    way: Vec<Step>,
}

impl Wrong {
    #[cold]
    pub(crate) fn new(what: &str) -> Self {
        Self(Box::new(Inner { what: what.to_owned(), way: Vec::new() }))
    }

    /// The same in the value that this step leads to.
    #[cold]
    pub(super) fn behind(mut self, step: Step) -> Self {
        self.0.way.push(step);
        self
    }

    /// The way from the whole value to what is wrong.
    pub(crate) fn way(self) -> Vec<Step> {
        let mut way = self.0.way;
        way.reverse();
        way
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)?;
        for (at, step) in self.0.way.iter().rev().enumerate() {
            let before = if at == 0 { " in " } else { "." };
            match step {
                Step::Field(name) => write!(f, "{before}{name}")?,
                Step::Item(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Wrong {}

impl serde::de::Error for Wrong {
    #[cold]
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self::new(&what.to_string())
    }
}
