"""How a signed SAML message is changed so that a reader is led to what no signature covers."""

from __future__ import annotations

import copy
from collections.abc import Callable

from lxml import etree
from saml_factories import ds, saml, samlp

Change = Callable[[etree._Element], None]


def found(response: etree._Element, path: str) -> etree._Element:
    found = response.find(path)
    assert found is not None, path
    return found


def assertion_of(response: etree._Element) -> etree._Element:
    return found(response, saml("Assertion"))


def _evil(assertion: etree._Element, new_id: str | None = "_evil") -> etree._Element:
    """A forged copy of the assertion: another person, an ID of its own, no signature."""
    forged = copy.deepcopy(assertion)
    for signature in forged.findall(ds("Signature")):
        forged.remove(signature)
    if new_id is not None:
        forged.set("ID", new_id)
    next(forged.iter(saml("NameID"))).text = "mallory@example.com"
    return forged


def unsigned_twin(element: etree._Element) -> etree._Element:
    original = copy.deepcopy(element)
    original.remove(found(original, ds("Signature")))
    return original


def xsw1(response: etree._Element) -> None:
    signature, original = found(response, ds("Signature")), unsigned_twin(response)
    response.set("ID", "_evil")
    next(response.iter(saml("NameID"))).text = "mallory@example.com"
    signature.append(original)


def xsw2(response: etree._Element) -> None:
    signature, original = found(response, ds("Signature")), unsigned_twin(response)
    response.set("ID", "_evil")
    next(response.iter(saml("NameID"))).text = "mallory@example.com"
    signature.addprevious(original)


def xsw3(response: etree._Element) -> None:
    assertion = assertion_of(response)
    assertion.addprevious(_evil(assertion))


def xsw4(response: etree._Element) -> None:
    assertion = assertion_of(response)
    forged = _evil(assertion)
    response.replace(assertion, forged)
    forged.append(assertion)


def xsw5(response: etree._Element) -> None:
    assertion = assertion_of(response)
    response.append(unsigned_twin(assertion))
    assertion.set("ID", "_evil")
    next(assertion.iter(saml("NameID"))).text = "mallory@example.com"


def xsw6(response: etree._Element) -> None:
    assertion = assertion_of(response)
    original = unsigned_twin(assertion)
    assertion.set("ID", "_evil")
    next(assertion.iter(saml("NameID"))).text = "mallory@example.com"
    found(assertion, ds("Signature")).append(original)


def xsw7(response: etree._Element) -> None:
    extensions = etree.Element(samlp("Extensions"))
    extensions.append(_evil(assertion_of(response), None))
    response.insert(1, extensions)


def xsw8(response: etree._Element) -> None:
    assertion = assertion_of(response)
    original = unsigned_twin(assertion)
    assertion.set("ID", "_evil")
    next(assertion.iter(saml("NameID"))).text = "mallory@example.com"
    holder = etree.SubElement(found(assertion, ds("Signature")), ds("Object"))
    holder.append(original)


def hide_in(path: str, tag: str | None = None) -> Change:
    """The original into some corner, the forged one in its place, with or without the signature."""

    def change(response: etree._Element) -> None:
        assertion = assertion_of(response)
        forged = _evil(assertion)
        response.replace(assertion, forged)
        corner = found(response, path)
        (etree.SubElement(corner, tag) if tag else corner).append(assertion)

    return change


def hide_in_key_info(response: etree._Element) -> None:
    assertion = assertion_of(response)
    original = unsigned_twin(assertion)
    assertion.set("ID", "_evil")
    next(assertion.iter(saml("NameID"))).text = "mallory@example.com"
    found(assertion, f"{ds('Signature')}/{ds('KeyInfo')}").append(original)


def response_in_response(response: etree._Element) -> None:
    inner = copy.deepcopy(response)
    assertion = assertion_of(response)
    response.replace(assertion, _evil(assertion))
    response.append(inner)


def without(path: str) -> Change:
    def change(response: etree._Element) -> None:
        element = found(response, path)
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)

    return change


def emptied(path: str) -> Change:
    def change(response: etree._Element) -> None:
        found(response, path).text = ""

    return change


def renamed_signature(response: etree._Element) -> None:
    for element in found(response, f"{saml('Assertion')}/{ds('Signature')}").iter():
        element.tag = etree.QName("urn:not-a-signature", etree.QName(element).localname).text


def only_key_info(response: etree._Element) -> None:
    signature = found(response, f"{saml('Assertion')}/{ds('Signature')}")
    for name in ("SignedInfo", "SignatureValue"):
        signature.remove(found(signature, ds(name)))


def second_assertion(position: int) -> Change:
    def change(response: etree._Element) -> None:
        assertion = assertion_of(response)
        response.insert(list(response).index(assertion) + position, _evil(assertion))

    return change


def same_id(name: str) -> Change:
    def change(response: etree._Element) -> None:
        assertion = assertion_of(response)
        found(assertion, f".//{saml('Attribute')}").set(name, str(assertion.get("ID")))

    return change


def shared_id(response: etree._Element) -> None:
    response.set("ID", str(assertion_of(response).get("ID")))


def move_signature(response: etree._Element) -> None:
    signature = found(response, ds("Signature"))
    response.remove(signature)
    assertion_of(response).insert(1, signature)


def uri_of(value: str | None) -> Change:
    def change(response: etree._Element) -> None:
        reference = next(response.iter(ds("Reference")))
        if value is None:
            del reference.attrib["URI"]
        else:
            reference.set("URI", value)

    return change


def another(name: str, *, first: bool = False) -> Change:
    def change(response: etree._Element) -> None:
        element = next(response.iter(ds(name)))
        again = copy.deepcopy(element)
        element.addprevious(again) if first else element.addnext(again)

    return change


def transform(algorithm: str) -> Change:
    def change(response: etree._Element) -> None:
        next(response.iter(ds("Transform"))).set("Algorithm", algorithm)

    return change


def comment_in(name: str) -> Change:
    def change(response: etree._Element) -> None:
        element = next(response.iter(ds(name)))
        genuine, element.text = element.text, ""
        comment = etree.Comment("forged")
        comment.tail = genuine
        element.append(comment)

    return change


def wrapped_signed_info(response: etree._Element) -> None:
    info = next(response.iter(ds("SignedInfo")))
    wrapper = etree.Element(ds("Wrapper"))
    info.addprevious(wrapper)
    wrapper.append(info)


def manifest(response: etree._Element) -> None:
    signature = next(response.iter(ds("Signature")))
    etree.SubElement(etree.SubElement(signature, ds("Object")), ds("Manifest"))


def no_transforms(response: etree._Element) -> None:
    transforms = next(response.iter(ds("Transforms")))
    transforms.remove(transforms[0])


def swapped_transforms(response: etree._Element) -> None:
    transforms = next(response.iter(ds("Transforms")))
    transforms.append(transforms[0])


def two_hundred_transforms(response: etree._Element) -> None:
    transforms = next(response.iter(ds("Transforms")))
    transforms.extend([copy.deepcopy(transforms[1]) for _ in range(200)])
