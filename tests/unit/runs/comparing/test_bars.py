"""Of a trial only what a bar shows is passed on."""

from regraft.runs.comparing.bars import Bars
from regraft.training.progress import EpochRecord


class Heard:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def say(self, sentence: str) -> None:
        self.words.append(f"say {sentence}")

    def start_phase(self, name: str, line: str, *, steps: int) -> None:
        self.words.append(f"phase {name} {line} {steps}")

    def step(self, done: int, *, rate: float, loss: float) -> None:
        self.words.append(f"step {done} {rate} {loss}")

    def epoch(self, record: EpochRecord) -> None:
        self.words.append("epoch")

    def finish(self) -> None:
        self.words.append("finish")


def test_steps_and_phases_are_passed_on_with_the_name_of_the_trial() -> None:
    heard = Heard()
    bars = Bars(heard, "trial 1/4: head")
    bars.say("240 texts in 2 classes")
    bars.start_phase("tune", "nothing frozen", steps=7)
    bars.start_phase("tune", "nothing frozen", steps=7)  # the next fold
    bars.step(3, rate=0.5, loss=1.5)
    bars.epoch(EpochRecord("tune", 1, 1, 0.5, None, None, None, 1.0, 1.0, 0.1))
    bars.finish()
    assert heard.words == [
        "phase trial 1/4: head: tune nothing frozen 7",
        "step 3 0.5 1.5",
        "finish",
    ]
