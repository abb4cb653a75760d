# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Is version 2.0 worse? A judge for the canary
#
# A canary is there to find a bad version before all visitors get it. You compare the failures of two versions, and let
# a judge promote the canary, take it back, or say that nobody can tell yet.
#
# You will need: the two images of lesson 01. About 40 minutes. Before this: lessons 03 and 04.
#
# After this you can
# - compare the failures of two versions, and say how sure you are;
# - run a release that a judge decides, and read why it decided so;
# - say when a judge cannot help, and stop a canary by hand.

# %%
from canarylab import Lab, check

lab = Lab()
lab

# %% [markdown]
# ## A version that fails now and then
#
# A **failure** is a request that is lost, or whose answer has a status code of 500 or more: the server could not do
# what was asked. Production is not perfect either. Here one request in a hundred fails, as the marked lines say:

# %%
lab.build()
lab.reset("09-production")
lab.show("manifests/09-judge/production.yaml", against="manifests/02-production/production.yaml")

# %% [markdown]
# There are four candidates for version 2.0: A, B, C and D. The next cell makes A the canary, one pod beside three. How
# often it fails is in a **ConfigMap**, an object with settings for pods. Its numbers were drawn at random. Do not read
# it yet.

# %%
lab.deploy_candidate("A")

# %% [markdown] tags=["predict"]
# **Predict.** The canary is one pod of four. Suppose that it is no worse than production: each answer is a failure with
# the same probability. What share of all failures will then be the canary's?

# %%
lab.predict("the canary's share of the failures, if it is no worse", ...)  # from 0 to 1

# %%
from canarylab.judge import Judge, count

sample = lab.sample("nodeapp-svc", requests=2000)
counts = count(sample)
seen = round(counts.canary.failures / counts.failures, 2)
why = "if it were no worse, its share of the failures would be its share of the requests"
lab.compare("the canary's share of the failures, if it is no worse", seen, expected=0.25, why=why)

# %% [markdown]
# Failures are spread as the requests are, if both versions are equally good. Candidate A has far more of them. This is
# the whole idea of this lesson: the question of lesson 03 again, observed share against expected share, now for the
# failures.

# %% [markdown]
# ### Two rates, one interval
#
# First compare by hand. The **failure rate** of a version, also called error rate, is the number of its failures, divided
# by its requests. The difference of the two rates has an interval, as a share has one:

# %%
from canarylab import stats

rates = stats.error_rates(sample)
print("1.0:", rates["1.0"])
print("2.0:", rates["2.0"])
print("difference:", stats.newcombe(*rates["1.0"], *rates["2.0"]))

# %% [markdown]
# If 0 is not in the interval of the difference, chance alone hardly explains it. But this is an interval for *one*
# look, after a number of requests that you chose before. In a release you look again and again, and lesson 04 showed
# how often this misleads.

# %% [markdown]
# ### Evidence that you may look at any time
#
# A **judge** is a rule that reads the counts and gives one of three verdicts: *roll back*, *promote*, or *not enough to
# tell*. This one computes the **evidence** that the canary is worse. It starts at 1, and grows when the canary has more
# of the failures than its share of the requests.

# %%
decision = Judge().decide(sample)
decision.plot_evidence()

# %% [markdown]
# If the canary is no worse, the evidence ever reaches 20 in at most one release of 20, however often you look. So the
# judge rolls back as soon as the curve is above the dashed line. The next picture says the same with bars: they are
# confidence sequences, as in lesson 04.

# %%
decision.plot()

# %% [markdown]
# ## A release that a judge decides
#
# `lab.release` goes through steps, here ratios of pods. At each step it sets the pods, sends requests, and asks the
# judge after each 200 of them. *Promote* leads to the next step. *Roll back* takes the canary's pods away.

# %%
lab.reset("09-production")
lab.deploy_candidate("A")
released = lab.release([(3, 1), (2, 2)])
released

# %% [markdown]
# The failures of version 2.0 stopped at the first step, and production never changed. Only some of the visitors noticed, for a short
# time. In a terminal you see what is left:
#
# ```sh
# kubectl get deployments -o wide
# ```

# %% [markdown]
# Now you may look. The official client reads the ConfigMap: `ERROR_RATE` is the true failure rate of the canary, as a
# share. Compare it with the interval in the table above. With kubectl:
#
# ```sh
# kubectl get configmap nodeapp-canary-faults -o yaml
# ```

# %%
faults = lab.core.read_namespaced_config_map("nodeapp-canary-faults", lab.namespace)
faults.data

# %% [markdown]
# Somebody will ask why the release was stopped. The next cell saves the verdict, its reasons and its pictures as one
# page of HTML. It appears in the list of files on the left.

# %%
report = released.decision.save("canary-report.html")
report.name

# %% [markdown]
# ## A judge with a fixed limit
#
# Most tools compare the canary with a fixed number, whatever production does. Such a **threshold judge** rolls back
# when, for example, more than 2 % of the canary's requests fail. This one looks after every 50 requests, waits for 20
# requests to the canary, and promotes after 500 requests to both.

# %% [markdown] tags=["predict"]
# **Predict.** The next cell simulates 300 good releases: canary and production both fail in 1 % of their requests. A
# quarter of the requests goes to the canary. What share of these releases does the threshold judge roll back?

# %%
lab.predict("share of the good releases that are rolled back", ...)  # from 0 to 1

# %%
from canarylab.judge import Judge, Scenario, ThresholdJudge, simulate

good = Scenario(canary_rate=0.01, production_rate=0.01)
fixed = simulate(ThresholdJudge(), good, releases=300)
wrong = fixed.share_of("roll back")
why = "among fewer than 50 requests to the canary, one failure is more than 2 %"
lab.compare("share of the good releases that are rolled back", wrong, why=why)

# %% [markdown]
# Such a verdict is a **false alarm**: a good release is rolled back. Now the judge that weighs evidence gets the same 300
# releases, and after that both judges get a bad canary, which fails in 5 % of its requests.

# %%
bad = Scenario(canary_rate=0.05, production_rate=0.01)
for each, releases in ((Judge(), good), (ThresholdJudge(), bad), (Judge(), bad)):
    print(type(each).__name__, "on", simulate(each, releases, releases=300))

# %% [markdown]
# The judge that weighs evidence has hardly any false alarm: it promises at most one in twenty. It takes its time instead,
# thousands of requests before it promotes.
#
# Both find the bad canary. The threshold judge is faster, because one or two failures are
# enough for it. Real tools wait for several failed checks. This makes false alarms rarer and detection later, but
# nothing says how rare.

# %% [markdown]
# ## One answer in fifty is slow
#
# Candidate B never fails. The **latency** of a request is the time from sending it to the end of its answer. First
# measure production alone, then both:

# %%
from canarylab.judge import Judge, slow_limit

lab.reset("02-production")
normal = lab.sample("nodeapp-svc", requests=1000)
lab.deploy_candidate("B")
slow = lab.sample("nodeapp-svc", requests=5000)
slow.latency()

# %% [markdown]
# Half of the answers do not exceed the **median**, and the medians of the two versions are close. The **99th percentile**
# is the latency that 99 of 100 answers do not exceed, and there version 2.0 is many times as slow. With one slow answer in fifty, most visitors notice nothing at first.

# %% [markdown] tags=["predict"]
# **Predict.** The same judge as before reads these 5,000 requests. What does it decide about candidate B?

# %%
verdicts = ["roll back", "promote", "not enough to tell"]
lab.predict("verdict on candidate B", ..., choices=verdicts)

# %%
verdict = Judge().decide(slow).verdict
why = "no request failed, and the judge counts failures alone"
lab.compare("verdict on candidate B", verdict, expected="promote", why=why)

# %% [markdown]
# A judge counts only what you define as a failure. So take a limit from production before the release, and count slower
# answers as failures. Here the limit is twice the 99th percentile: production itself should rarely be above it, or its
# own slow answers would hide those of the canary.

# %% [markdown]
# The **tolerance** of a judge is how much more often the canary may fail. It is two percentage points if nothing is
# said: as much as one slow answer in fifty. So this release has a tolerance of one point.

# %% tags=["exercise"]
# Release candidate B in the steps (3, 1) and (2, 2). Its judge is Judge(tolerance=0.01), to which
# you add slower_than_s: the latency from which on an answer is a failure.
limit = 2 * slow_limit(normal, 0.99)
release_of_b = ...
# solution
release_of_b = lab.release([(3, 1), (2, 2)], Judge(tolerance=0.01, slower_than_s=limit))
release_of_b

# %% tags=["checkpoint"]
check(lab, "the judge finds slow answers", release_of_b)

# %% [markdown]
# <details><summary>First hint</summary>
# The release of candidate A above has the steps. A judge is the second argument.
# </details>
#
# <details><summary>Second hint</summary>
# The limit is already in a variable. Give it to the judge by its name: <code>slower_than_s=limit</code>.
# </details>
#
# <details><summary>Third hint</summary>
# If version 2.0 was promoted, the judge had no limit. Run this section again from its first cell.
# </details>

# %% [markdown]
# ## A version that is fine
#
# To promote, it is not enough that nothing has happened. The judge takes the highest failure rate that the canary may
# have, less the lowest that production may have. It promotes when this difference is below the tolerance, here the usual
# two percentage points.

# %% [markdown] tags=["predict"]
# **Predict.** Candidate C has no fault at all, and here production has none either: not one request fails. After how
# many requests does the judge let it go on to the second step?

# %%
sizes = ["about 50", "about 500", "about 2,000", "about 20,000"]
lab.predict("requests until the second step", ..., choices=sizes)

# %%
lab.reset("02-production")
lab.deploy_candidate("C")
released = lab.release([(3, 1), (2, 2)])
decision = released.decision
needed = decision.steps[0].requests
why = "about 500 have to reach the canary, and a quarter of all do"
lab.compare("requests until the second step", f"{needed:,}", expected="about 2,000", why=why)

# %%
decision.plot_difference()

# %% [markdown]
# A version that fails in one request of a hundred shows no failure in its first hundred requests more than once in three
# times. A judge that promotes early knows little. With half the tolerance, this judge needs more than twice as many
# requests.

# %% [markdown]
# ## When nobody can tell yet
#
# Production fails in 1 % of its requests again, and candidate D perhaps a little more often. You allow 1,000 requests.

# %%
lab.reset("09-production")
lab.deploy_candidate("D")
lab.release([(3, 1), (2, 2)], requests=1000)

# %% [markdown]
# Most likely the verdict is *not enough to tell*; about one run in 25 is decided earlier. The canary keeps its
# share, and the same call goes on with more requests, even after a restart of the kernel: the counts are in an
# annotation of the Deployment.
#
# ```sh
# kubectl get deployment nodeapp-canary -o jsonpath="{.metadata.annotations}"
# ```

# %% [markdown]
# To find a canary that fails twice as often, in 2 % of its requests, takes thousands of requests with any method. Some
# of such releases are promoted, and this is right too: the difference is one percentage point, and you tolerate two.

# %% [markdown]
# ## Few visitors
#
# At night there are only 100 requests, 25 of them to the canary. Both versions fail in 1 %. Each judge looks after every
# ten requests:

# %%
from canarylab.judge import Judge, Scenario, ThresholdJudge, simulate

night = Scenario(canary_rate=0.01, production_rate=0.01, look_every=10, max_requests=100)
for each in (ThresholdJudge(), Judge()):
    print(type(each).__name__, "on", simulate(each, night, releases=300))

# %% [markdown]
# With a fixed limit, about one good release in five is rolled back, mostly for a single failure. The other judge says
# *not enough to tell*, and this is true. From 100 requests it finds only very bad canaries: try `canary_rate=0.5`. What
# helps is a larger share for the canary, copies of requests as in lesson 08, or more time.

# %% [markdown]
# ## Stop it by hand
#
# Some faults are neither an error nor slow: last year's prices, a letter sent twice, a page that shows somebody else's
# order. One complaint of this kind is enough. Do not wait for a judge: take the canary back first, and search for the
# reason afterwards.

# %%
lab.reset("02-production")
lab.deploy_candidate("C")
lab.diagram()

# %% [markdown]
# A colleague calls: version 2.0 shows the prices of last year. Send no further visitor there. With kubectl, you would
# type:
#
# ```sh
# kubectl scale deployment nodeapp-canary --replicas=0
# ```

# %% tags=["exercise"]
# Do the same with the official client: lab.apps.patch_namespaced_deployment_scale takes the name,
# the namespace, and what changes.
no_pods = {"spec": {"replicas": 0}}
# solution
scaled = lab.apps.patch_namespaced_deployment_scale("nodeapp-canary", lab.namespace, no_pods)

# %% tags=["checkpoint"]
check(lab, "the canary is taken back")

# %% [markdown]
# <details><summary>First hint</summary>
# The Deployment is called <code>nodeapp-canary</code>, and the namespace is <code>lab.namespace</code>.
# </details>
#
# <details><summary>Second hint</summary>
# The third argument is <code>no_pods</code>.
# </details>

# %% [markdown]
# While `lab.release` runs, the square in the tool bar (Interrupt) takes the release back. If it has stopped at *not
# enough to tell*, `lab.abort_release()` does. With a canary Ingress, a weight of 0 is the fastest way: no pod has to end.

# %% [markdown]
# ## What Argo Rollouts and Flagger add
#
# These two programs run in the cluster and do what `lab.release` does here, with the requests of real visitors:
#
# | | Argo Rollouts | Flagger |
# |---|---|---|
# | you write | a Rollout in place of the Deployment | a Canary object beside the Deployment |
# | the share | `steps`: `setWeight`, `pause` | `stepWeight` up to `maxWeight`, one step each `interval` |
# | what is read | queries to Prometheus and others | success rate and latency built in, or queries |
# | rolled back | after more than `failureLimit` failed measurements | after `threshold` failed checks |
# | cannot tell | *Inconclusive*: it pauses and waits for you | no values: that is a failed check |
# | by hand | `kubectl argo rollouts abort` | webhooks that approve or roll back |

# %% [markdown]
# Their usual conditions are fixed limits, as those of the threshold judge. A query may compare with production, and
# Argo Rollouts can start a **baseline**: fresh pods of the old version, as many as the canary has. `lab.release(...,
# baseline=True)` does this too, because a pod that has just started is slower than an old one.

# %% [markdown]
# ## What you did
#
# You compared the failures of two versions, ran releases that a judge promoted, rolled back or left open, found a slow
# version with a limit, and stopped a canary by hand. These were your predictions:

# %%
lab.predictions()

# %% [markdown]
# ## What we left out
#
# The evidence assumes that failures do not depend on each other. A database that is down for a minute makes both
# versions fail at once. If you watch several things, each with a judge of its own, share **alpha** among them, the
# probability of a false alarm: two judges with `alpha=0.025`, for example.
#
# **Next:** your own app. `canarylab sample URL` measures any web app that says its version.

# %% [markdown]
# The last cell deletes the pods, the Service and the ConfigMap. The cluster itself keeps running.

# %%
lab.close()
