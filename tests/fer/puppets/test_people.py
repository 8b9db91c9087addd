"""Virtual people."""

from __future__ import annotations

import numpy as np

from fer.puppets.people import LEAST_POOL, Person, make_person
from fer.puppets.sample import Cast


def drawn(cast: Cast, count: int = 80) -> list[Person]:
    return [make_person(np.random.default_rng(seed), cast.sitters) for seed in range(count)]


def test_a_quarter_is_real_and_half_is_blended(cast: Cast) -> None:
    people = drawn(cast)
    real = [p for p in people if np.array_equal(p.vertices, p.host.vertices)]
    blended = [p for p in people if p.blended]
    assert 0.12 < len(real) / len(people) < 0.38
    assert 0.4 < len(blended) / len(people) < 0.7
    assert not set(map(id, real)) & set(map(id, blended))


def test_shares_and_gains_of_a_blend(cast: Cast) -> None:
    for person in drawn(cast, 30):
        assert abs(sum(share for _, share in person.sources) - 1) < 1e-9
        assert person.colour_gains.shape == (len(person.sources), 3)
        assert 1 <= len(set(person.source_keys)) == len(person.sources) <= LEAST_POOL
        assert person.creases.min() >= 0
        assert person.creases.max() <= 1.3


def test_real_people_keep_one_name_and_others_get_their_own(cast: Cast) -> None:
    names: dict[str, set[str]] = {}
    for person in drawn(cast):
        real = np.array_equal(person.vertices, person.host.vertices)
        names.setdefault("real" if real else "virtual", set()).add(person.name)
    assert len(names["real"]) <= len(cast.sitters)
    virtual = [p for p in drawn(cast) if not np.array_equal(p.vertices, p.host.vertices)]
    assert len(names["virtual"]) == len(virtual)


def test_a_pool_of_three_is_enough(cast: Cast) -> None:
    for seed in range(40):
        person = make_person(np.random.default_rng(seed), cast.sitters[:LEAST_POOL])
        assert person.host in cast.sitters[:LEAST_POOL]
