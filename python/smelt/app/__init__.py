"""The main job: a table becomes a model file and a report; the file predicts.

The library never imports this package; it imports the library.
"""
