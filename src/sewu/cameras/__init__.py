"""Camera: who, where, facing what, whose; zones drawn on its picture."""
