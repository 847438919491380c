import hashlib
import platform

import numpy as np

from ibcollapse.provenance import file_fingerprint, provenance_of


def test_fingerprint_is_the_sha256_of_the_bytes_across_blocks(tmp_path):
    content = np.random.default_rng(0).bytes((1 << 20) + 17)
    path = tmp_path / "features"
    path.write_bytes(content)
    assert file_fingerprint(path) == hashlib.sha256(content).hexdigest()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert file_fingerprint(path) != hashlib.sha256(content).hexdigest()


def test_options_are_copied_and_versions_those_that_run():
    options = {"beta": 2.0}
    made = provenance_of("a table", "", options)
    options["beta"] = 3.0
    assert made.options == {"beta": 2.0}
    assert made.versions["numpy"] == np.__version__
    assert made.versions["python"] == platform.python_version()
