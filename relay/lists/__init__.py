"""Lists in and out of the relay: files in every form people have them, imports in short chunks, exports.

Enters: files and streams of lines. Leaves: consents and suppressions by way of
``people``, refused lines with why. It takes no line in part without saying so.
"""
