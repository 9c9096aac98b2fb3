"""What is installed from the wheel serves its pages: the browser part travels in it, its sources do not."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wheel_carries_the_built_pages_and_not_what_they_were_built_from(tmp_path):
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as inside:
        names = set(inside.namelist())
        index = inside.read("agent_desk/static/index.html").decode()
    script = index.split('src="/')[1].split('"')[0]
    assert f"agent_desk/static/{script}" in names, "the very files that the page asks for"
    assert not [name for name in names if name.startswith("agent_desk/web")]
