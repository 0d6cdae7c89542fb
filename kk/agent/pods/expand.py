"""`$(VAR)` in command, args and env values, as k8s.io/kubernetes `third_party/forked/golang/expansion` does it. Pure."""

from collections.abc import Callable, Mapping


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Known references replaced; `$$` is a dollar; unknown references and anything malformed stay as they are."""
    if "$" not in text:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char != "$" or at + 1 >= len(text):
            out.append(char)
            at += 1
        elif text[at + 1] == "$":
            out.append("$")
            at += 2
        elif text[at + 1] == "(" and (end := text.find(")", at + 2)) >= 0:
            name = text[at + 2 : end]
            out.append(variables.get(name, f"$({name})"))
            at = end + 1
        else:
            out.append(text[at : at + 2])
            at += 2
    return "".join(out)


def expander(variables: Mapping[str, str]) -> Callable[[str], str]:
    """`expand` for fixed variables."""
    return lambda text: expand(text, variables)
