import subprocess
import sys

import lm


def test_every_public_name_can_be_imported():
    for name in lm.__all__:
        assert getattr(lm, name) is not None
    assert not hasattr(lm, "nothing_of_that_name")


def test_the_homes_of_names_match_what_is_public():
    assert sorted(name for names in lm._HOMES.values() for name in names) == sorted(lm.__all__)


def test_importing_lm_loads_no_heavy_library():
    heavy = "{'torch', 'transformers', 'llguidance', 'numpy', 'pydantic'}"
    code = f"import sys, lm; from lm import Message, open_model; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['pydantic']"
