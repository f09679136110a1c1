//! A doubly linked list over one growable block of nodes, addressed by index.
