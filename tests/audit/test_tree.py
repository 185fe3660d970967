"""The tree is RFC 6962's."""

from hashlib import sha256

import pytest

from keystead.audit.log.tree import Tree

# The reference inputs and roots of certificate-transparency's own tests, for RFC 6962.
LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, as it stands there: recursive, over all leaves."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def leaf(number: int) -> bytes:
    return sha256(b"\0" + str(number).encode()).digest()


def test_published_roots() -> None:
    """The roots over zero to eight reference leaves are the published ones."""
    tree = Tree()
    assert tree.root().hex() == NOTHING
    for text, root in zip(LEAVES, ROOTS, strict=True):
        tree.append(sha256(b"\0" + bytes.fromhex(text)).digest())
        assert tree.root().hex() == root


def test_any_size_is_the_naive_tree() -> None:
    """For every size up to 300 the root is the one of the definition."""
    tree, leaves = Tree(), list[bytes]()
    for number in range(300):
        leaves.append(leaf(number))
        tree.append(leaves[-1])
        assert tree.root() == naive_root(leaves)
        assert tree.size == number + 1


@pytest.mark.parametrize("size", [0, 1, 2, 7, 8, 100])
def test_resumed_is_the_same_tree(size: int) -> None:
    """A tree that is continued from size and frontier gives the same roots."""
    whole = Tree()
    for number in range(size):
        whole.append(leaf(number))
    resumed = Tree.resume(whole.size, whole.frontier)
    for number in range(size, size + 20):
        whole.append(leaf(number))
        resumed.append(leaf(number))

    assert resumed.root() == whole.root()


def test_a_frontier_is_of_whole_hashes() -> None:
    """Hashes that were cut at another place are refused, though they give the same root."""
    whole = Tree()
    for number in range(3):
        whole.append(leaf(number))
    first, second = whole.frontier
    with pytest.raises(ValueError, match="length"):
        Tree.resume(3, [first[:-1], first[-1:] + second])
    assert Tree.resume(3, [first, second]).root() == whole.root()


def test_a_frontier_fits_its_size() -> None:
    """A frontier with another number of subtrees than the size has is refused."""
    with pytest.raises(ValueError, match="7 records"):
        Tree.resume(7, [bytes(32)])
