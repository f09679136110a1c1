//! A slot for the user's own value.

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A slot for one value of the user's own type, such as what a TLS callback found out. Cloning shares the value and
/// allocates nothing.
#[derive(Clone, Default)]
pub struct Extension(Option<Arc<dyn Any + Send + Sync>>);

impl Extension {
    /// A slot that holds `value`.
    pub fn new<T: Send + Sync + 'static>(value: T) -> Self {
        Extension(Some(Arc::new(value)))
    }

    /// The value, if there is one and it is of this type.
    pub fn get<T: 'static>(&self) -> Option<&T> {
        self.0.as_ref()?.downcast_ref()
    }

    /// Puts a value in place of whatever was there.
    pub fn set<T: Send + Sync + 'static>(&mut self, value: T) {
        *self = Extension::new(value);
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

/// Whether it is the very same value: only a clone equals its original.
impl PartialEq for Extension {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(another)) => Arc::ptr_eq(one, another),
            (one, another) => one.is_none() && another.is_none(),
        }
    }
}

impl Eq for Extension {}

impl Hash for Extension {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_ref().map(|value| Arc::as_ptr(value).cast::<()>()).hash(state);
    }
}

impl fmt::Debug for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "Extension(none)" } else { "Extension(..)" })
    }
}
