"""Camera: who, where, facing what, whose; zones drawn on its picture."""

from sewu.cameras.zonefile import GroundEntry, ZoneFile, load_scene, save_scene, save_zone_file, scene_of

__all__ = ["GroundEntry", "ZoneFile", "load_scene", "save_scene", "save_zone_file", "scene_of"]
