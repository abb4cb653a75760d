"""What is here, what is missing, and what can run on this machine?

`questions.py` lists what is looked at, `asking.py` asks it all at once and waits for nobody,
`verdicts.py` says what follows from the answers. Nothing here goes to the network, and nothing is
changed.
"""

from canarylab.doctor.diagnosis import Diagnosis
from canarylab.doctor.examination import examine

__all__ = ["Diagnosis", "examine"]
