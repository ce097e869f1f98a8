"""Forms and words of the intake."""

from hcrm.intake.forms.uploads import MappingForm, UploadForm, is_moved, mapping_form, profile_of

__all__ = ["MappingForm", "UploadForm", "is_moved", "mapping_form", "profile_of"]
