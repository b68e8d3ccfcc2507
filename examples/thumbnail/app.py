"""Makes a thumbnail of a picture: {"picture": Base64, "longest_side": 256} in, {"thumbnail": Base64, ...} out."""

import base64
import io

from PIL import Image, ImageOps

QUALITY = 85


def handler(event, _context):
    data = base64.b64decode(event["picture"])
    side = event.get("longest_side", 256)
    with Image.open(io.BytesIO(data)) as picture:
        print(f"a {picture.format} of {picture.width} x {picture.height}, {len(data)} bytes")
        small = ImageOps.exif_transpose(picture).convert("RGB")
    small.thumbnail((side, side))
    made = io.BytesIO()
    small.save(made, "JPEG", quality=QUALITY, optimize=True)
    print(f"a thumbnail of {small.width} x {small.height}, {made.tell()} bytes")
    return {
        "thumbnail": base64.b64encode(made.getvalue()).decode(),
        "content_type": "image/jpeg",
        "width": small.width,
        "height": small.height,
        "bytes": made.tell(),
    }
