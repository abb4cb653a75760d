# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How sure are you?
#
# A share that you measure is never quite the share that the pods suggest. You will find out how far a few requests can
# be trusted, how many are enough, and which two habits make a share look more certain than it is.
#
# You will need: the two images of lesson 01. About 30 minutes. Before this: lesson 03.
#
# After this you can
# - say what a sample of fifteen requests tells you, and what it does not;
# - choose the number of requests before you measure;
# - avoid two mistakes: counting requests instead of connections, and looking until something looks wrong.

# %%
from canarylab import Lab, check

lab = Lab()
lab

# %% [markdown]
# ## Fifteen requests
#
# Many tutorials check a canary with a loop in the terminal: fifteen requests, and a look at the versions that answer.
# You have three pods of version 1.0 and one of version 2.0, as in lesson 03.

# %% [markdown] tags=["predict"]
# **Predict.** You will send fifteen requests, each over a new connection. How many of them will version 2.0 answer?

# %%
lab.predict("answers of version 2.0", ..., choices=range(16))  # a number from 0 to 15

# %%
lab.build()
lab.reset("03-canary")
fifteen = lab.sample("nodeapp-svc", requests=15)
lab.compare("answers of version 2.0", fifteen)

# %%
fifteen.plot()

# %% [markdown]
# Read the two ends of the bar of version 2.0. All shares between them fit these fifteen answers. Usually a quarter
# and a third are both among them, so the sample cannot tell which is true. In a terminal:
#
# ```sh
# url=$(canarylab url); for i in $(seq 15); do curl -s "$url"; echo; done
# canarylab sample "$(canarylab url)" --count 15
# ```

# %% [markdown]
# ## The same loop a thousand times
#
# What would other people see? The next cell sends requests for ten seconds, and cuts them into samples of fifteen: on
# the playground a thousand or two. Each request has a connection of its own, so no sample depends on another. It is as
# if so many people had run the loop.

# %% [markdown] tags=["predict"]
# **Predict.** The expected share is 25 %. What share of all these samples will be near it, between 20 % and 30 %?

# %%
lab.predict("share of the samples near 25 %", ...)  # a number from 0 to 1

# %%
from canarylab.traffic import Samples

lab.reset("03-canary")
long = lab.sample("nodeapp-svc", seconds=10)
people = Samples.cut(long, 15)
people.plot_histogram()

# %%
from canarylab import stats

near = [0.2 <= each.observed <= 0.3 for each in people.shares()]
expected = sum(stats.draw_probabilities(0.25, 15)[3:5])  # 3 or 4 of 15
why = "of fifteen requests, only 3 and 4 are between 20 % and 30 %"
seen = sum(near) / len(near)
lab.compare("share of the samples near 25 %", seen, expected=expected, why=why)

# %% [markdown]
# More than half of these people see a share that is more than five points off, though nothing is wrong. Some see no
# answer of version 2.0 at all.
#
# The points show the **binomial distribution**: the probability of each number of hits when every request is a draw of
# its own. The note below the picture says what is usual.

# %% [markdown]
# ## How many requests are enough?
#
# First decide how precise the answer has to be. The **margin** is how far the measured share may be from the true one,
# in 95 of 100 samples.

# %% [markdown] tags=["predict"]
# **Predict.** You want a margin of 5 points: a measured share between 20 % and 30 %. How many requests do you need?

# %%
lab.predict("requests for a margin of 5 points", ..., choices=range(100_001))  # a whole number

# %%
from canarylab import figures, stats

needed = stats.requests_needed(0.25, 0.05)
why = "at a share of 25 %, by the formula z² · p · (1 - p) / margin²"
lab.compare("requests for a margin of 5 points", needed, why=why)

# %%
figures.plot_sample_sizes(0.25)

# %% [markdown]
# The curve falls steeply at first and then slowly: for half the margin you need four times the requests. In the formula
# p is the share, and z is 1.96 for 95 of 100 samples.

# %% [markdown]
# Often the question is not how precise, but which of two. Suppose that the canary gets a second pod. Then its share
# should rise from 25 % to 40 %. With the official client, or in a terminal:
#
# ```sh
# kubectl scale deployment nodeapp-canary --replicas=2
# kubectl rollout status deployment/nodeapp-canary
# ```

# %%
lab.reset("03-canary")
change = {"spec": {"replicas": 2}}
lab.apps.patch_namespaced_deployment("nodeapp-canary", lab.namespace, change)
lab.wait_ready("nodeapp-canary")
canary = lab.apps.read_namespaced_deployment("nodeapp-canary", lab.namespace)
canary.status.ready_replicas

# %% tags=["exercise"]
# Take a sample that can tell 40 % from 25 %. stats.requests_to_tell_apart(one, two) gives the
# number of requests.
enough = lab.sample("nodeapp-svc", requests=15)
# solution
enough = lab.sample("nodeapp-svc", requests=stats.requests_to_tell_apart(0.25, 0.40))

# %% tags=["checkpoint"]
check(lab, "the sample tells 40 % from 25 %", enough)

# %% [markdown]
# <details><summary>First hint</summary>
# Shares are fractions: 25 % is <code>0.25</code>.
# </details>
#
# <details><summary>Second hint</summary>
# Give the number to <code>lab.sample</code> as <code>requests</code>. With it the difference is found in 80 of 100
# samples. For 95 of 100 give <code>power=0.95</code> as well.
# </details>

# %% [markdown]
# ## Requests or connections?
#
# A Service chooses a pod for each connection, as you saw in lesson 03. Many programs that send test traffic keep a few
# connections open, because this is faster. Here are eight connections, with 125 requests over each of them.

# %% [markdown] tags=["predict"]
# **Predict.** A thousand requests go over eight kept connections. How many times will a pod be chosen?

# %%
lab.predict("choices of a pod", ..., choices=range(1001))  # a whole number

# %%
lab.reset("03-canary")
eight = lab.sample("nodeapp-svc", requests=1000, keep_alive=8)
why = f"a pod is chosen for each {eight.balanced_per}"
lab.compare("choices of a pod", eight.trials, expected=eight.trials, why=why)

# %%
from canarylab.traffic import Samples

one = lab.sample("nodeapp-svc", requests=1000, keep_alive=1)
new = lab.sample("nodeapp-svc", requests=1000)
Samples((one, eight, new)).plot()

# %% [markdown]
# Each bar stands for a thousand requests: over one connection, over eight, and over a thousand, one for each request.
# The first two say little about the share, however many requests there are. In a terminal:
#
# ```sh
# canarylab sample "$(canarylab url)" --count 1000 --keep-alive 8
# ```
#
# If all three bars are narrow, the way into your cluster chooses a pod for each request.

# %% [markdown]
# ## Looking again and again
#
# You watch a release and look at the interval after every 20 requests. As soon as it does not contain 25 %, you stop and
# report a problem. This habit is called **peeking**.

# %% [markdown] tags=["predict"]
# **Predict.** A thousand such releases of 1,000 requests each, and nothing is wrong in any of them: the true share is
# 25 % all the time. In what share of them will you report a problem?

# %%
lab.predict("share of false alarms", ...)  # a number from 0 to 1

# %%
from canarylab import stats

looked = stats.simulate_peeking(0.25, requests=1000, every=20, releases=1000)
alarms = round(looked.interval / looked.releases, 2)
why = "each of 50 looks is another chance for bad luck"
lab.compare("share of false alarms", alarms, why=why)

# %%
looked

# %% [markdown]
# This was a simulation with random numbers, because a million requests would take too long. An interval keeps its promise
# for one look, at a number of requests that you chose before.
#
# A **confidence sequence** is wider, and keeps its promise at all looks together. So with it you may stop whenever you
# like.

# %%
lab.reset("03-canary")
lab.sample("nodeapp-svc", requests=1000).plot_convergence(with_sequence=True)

# %% [markdown]
# The band is the interval after each request, and the dotted lines are the confidence sequence. Run the cell a few times.
# In some runs the dashed line leaves the band for a while; it hardly ever crosses a dotted line.

# %% tags=["exercise"]
# Does the canary get less than half? Use as few requests as you can: send 20 more and add them
# to `so_far`, while 0.5 is in the confidence sequence.
lab.reset("03-canary")
so_far = lab.sample("nodeapp-svc", requests=5)
# solution
while 0.5 in stats.confidence_sequence(so_far.by_version["2.0"], so_far.answered):
    so_far += lab.sample("nodeapp-svc", requests=20)

# %% tags=["checkpoint"]
check(lab, "the canary gets less than half", so_far)

# %% [markdown]
# <details><summary>First hint</summary>
# <code>stats.confidence_sequence(hits, total)</code> takes two numbers. They are
# <code>so_far.by_version["2.0"]</code> and <code>so_far.answered</code>.
# </details>
#
# <details><summary>Second hint</summary>
# Two samples can be added: <code>so_far += lab.sample("nodeapp-svc", requests=20)</code>.
# </details>
#
# <details><summary>Third hint</summary>
# A <code>while</code> loop asks before each round whether <code>0.5</code> is still in the sequence.
# </details>

# %% [markdown]
# ## A whole class
#
# In a course everybody measures the same share and sees another number. `sample.export` writes a sample to a file. Your
# teacher collects the files in one folder. Here you take one sample of your own, and the cell takes eleven for the
# others.

# %%
from pathlib import Path

lab.reset("03-canary")
folder = Path("class-results")
folder.mkdir(exist_ok=True)
lab.sample("nodeapp-svc", requests=40).export(folder / "me.json")
for number, each in enumerate(lab.sample_many(samples=11, requests=40).samples, 1):
    each.export(folder / f"learner-{number:02}.json")

# %%
from canarylab import stats

results = stats.pool(folder)
results.plot()

# %% [markdown]
# This is the cell for the teacher: each bar counts learners, and the points are the binomial distribution at the
# expected share. The title says what all found together. Twelve samples have a much narrower interval than one, because together they are
# one large sample. `results` alone shows a row for each learner.

# %% [markdown]
# ## What you did
#
# You said what fifteen requests can tell, chose the number of requests for a question, and saw how kept connections and
# peeking mislead. These were your predictions:

# %%
lab.predictions()

# %% [markdown]
# ## What we left out
#
# All this was about how *many* requests a version answers. Whether version 2.0 fails more often or is slower needs the
# same care, and far more requests: failures are rare. Real visitors are not independent draws either: one person sends
# many requests.
#
# **Next:** lesson 05, in which you promote a canary or go back, and lose no request on the way.

# %% [markdown]
# The last cell deletes the pods and the Service. The cluster stays for the next lesson.

# %%
lab.close()
