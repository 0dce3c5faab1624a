"""What a study is: pure functions and frozen dataclasses, standard library only."""
