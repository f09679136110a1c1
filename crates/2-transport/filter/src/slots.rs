//! Typed slots: per-exchange state of filters that know nothing of the application's context.

use std::any::{Any, TypeId};

/// One value per type. Boxes are kept for the next exchange, so that a filter that sets a slot on
/// every exchange allocates only on the first.
#[derive(Default)]
pub(crate) struct Slots(Vec<(TypeId, Box<dyn Slot>)>);

/// An `Option<T>` whose type is forgotten.
trait Slot: Any + Send {
    fn clear(&mut self);
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<T: Send + 'static> Slot for Option<T> {
    fn clear(&mut self) {
        *self = None;
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

impl Slots {
    pub(crate) fn set<T: Send + 'static>(&mut self, value: T) -> Option<T> {
        match self.slot_mut::<T>() {
            Some(slot) => slot.replace(value),
            None => {
                self.0.push((TypeId::of::<T>(), Box::new(Some(value))));
                None
            }
        }
    }

    pub(crate) fn get<T: Send + 'static>(&self) -> Option<&T> {
        let (_, slot) = self.0.iter().find(|(id, _)| *id == TypeId::of::<T>())?;
        (**slot).as_any().downcast_ref::<Option<T>>()?.as_ref()
    }

    pub(crate) fn get_mut<T: Send + 'static>(&mut self) -> Option<&mut T> {
        self.slot_mut::<T>()?.as_mut()
    }

    pub(crate) fn take<T: Send + 'static>(&mut self) -> Option<T> {
        self.slot_mut::<T>()?.take()
    }

    pub(crate) fn clear(&mut self) {
        for (_, slot) in &mut self.0 {
            slot.clear();
        }
    }

    fn slot_mut<T: Send + 'static>(&mut self) -> Option<&mut Option<T>> {
        let (_, slot) = self.0.iter_mut().find(|(id, _)| *id == TypeId::of::<T>())?;
        (**slot).as_any_mut().downcast_mut::<Option<T>>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_per_type() {
        let mut slots = Slots::default();
        assert_eq!(slots.set(1_u32), None);
        assert_eq!(slots.set(2_u32), Some(1));
        assert_eq!(slots.set("text"), None);
        *slots.get_mut::<u32>().unwrap() += 1;
        assert_eq!(slots.get::<u32>(), Some(&3));
        assert_eq!(slots.take::<&str>(), Some("text"));
        assert_eq!(slots.get::<&str>(), None);
    }

    #[test]
    fn clearing_drops_the_values_and_keeps_the_boxes() {
        let mut slots = Slots::default();
        let counted = std::sync::Arc::new(());
        slots.set(counted.clone());
        slots.clear();
        assert_eq!(std::sync::Arc::strong_count(&counted), 1);
        assert_eq!(slots.0.len(), 1);
        slots.set(counted.clone());
        assert_eq!(slots.0.len(), 1);
    }
}
