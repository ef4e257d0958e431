"""Reference and prediction files of whole tests, as any program can write them: plain tables, COCO, PASCAL VOC.

Hands out `table.read_plain` and its columns, and `marks.read_marks` (boxes and points of many cases).
"""
