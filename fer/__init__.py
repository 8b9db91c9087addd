"""Read a face by removing its expression: detection, recognition and (later) generation behind one small API.

    import fer
    faces = fer.detect("photograph.jpg")
    prediction = fer.load("plain").recognize(fer.stack(faces))
    prediction.top()
"""
