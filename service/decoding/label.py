"""What a thumbnail says of itself inside: XMP, by which image tools know renditions and what they were made of."""

_XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\
<rdf:Description rdf:about="" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" \
xmlns:stRef="http://ns.adobe.com/xap/1.0/sType/ResourceRef#" xmlns:xmp="http://ns.adobe.com/xap/1.0/" \
xmpMM:RenditionClass="thumbnail" xmp:CreatorTool="Darkroom">\
<xmpMM:DerivedFrom stRef:documentID="sha256:{sha256}" stRef:renditionClass="default"/>\
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def label(sha256: str) -> bytes:
    """XMP for a thumbnail of the image with this SHA-256 (hex)."""
    return _XMP.format(sha256=sha256).encode("ascii")
