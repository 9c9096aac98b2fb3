"""Who works at the hotline's desks, what their role lets them do, and how they prove who they are."""
