"""The demo: a whole synthetic study to live through, with a movable clock and a mail sink."""
