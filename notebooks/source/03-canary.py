# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A canary beside production
#
# Three pods of version 1.0 serve your visitors. You put one pod of version 2.0 beside them, without changing the
# Service, and measure how many of the requests it answers.
#
# You will need: lessons 01 and 02. About 40 minutes. Before this: lesson 02.
#
# After this you can
# - put a canary behind a Service that is already there, with one label;
# - say what share it should get, measure the share, and say how sure you are;
# - change the share with the number of pods, and promote the canary in two ways.

# %%
from canarylab import Lab, check

lab = Lab()
lab

# %% [markdown]
# ## One label in common
#
# In a **canary release** a new version first gets a small part of the requests. If it fails, few visitors notice, and
# you take it back. If it works, you give it the rest.
#
# The cell brings production of lesson 02 back: three pods and one Service.

# %%
lab.build()
lab.reset("02-production")
lab.diagram()

# %% [markdown]
# Here is the manifest of the canary. Lines marked with `>` differ from the manifest of production.

# %%
lab.show(
    "manifests/03-canary/canary.yaml",
    against="manifests/02-production/production.yaml",
)

# %% [markdown] tags=["predict"]
# **Predict.** Compare the labels of the canary's pod with the selector of the Service in the diagram. You will apply
# this manifest and change nothing else. What share of the requests will version 2.0 answer?

# %%
lab.predict("canary share", ...)  # a number from 0 to 1

# %%
lab.apply("manifests/03-canary/canary.yaml")
lab.wait_ready("nodeapp-canary")
lab.diagram()

# %% [markdown]
# The Service selects `app: nodeapp`. The new pod has this label too, so it is the fourth endpoint. The second label,
# `env`, keeps the two Deployments apart: each counts its own pods only. In a terminal:
#
# ```sh
# kubectl get pods --show-labels
# kubectl get endpointslices
# ```

# %% [markdown]
# ## What share does the canary get?
#
# The **share** of a version is the number of its answers, divided by all answers. To measure it, the next cell sends
# forty requests, each over a new connection, as forty visitors would. The result is a **sample**.

# %%
lab.reset("03-canary")
sample = lab.sample("nodeapp-svc", requests=40)
lab.compare("canary share", sample)

# %%
sample.plot()

# %% [markdown]
# The dark line is the expected share: one of four ready pods runs version 2.0. The dot is the observed share.
#
# The bar is the **interval**: the shares that fit forty such requests. It is wide, because forty is a small number. In a
# terminal you measure the same with:
#
# ```sh
# canarylab sample "$(canarylab url)" --count 40
# ```

# %% [markdown] tags=["predict"]
# **Predict.** You will send 400 requests instead of 40. How wide will the bar of version 2.0 be, compared with the one
# above? 1 means as wide, 0.5 means half as wide.

# %%
lab.predict("width of the bar with 400 requests", ...)  # a number

# %%
from canarylab import stats

more = lab.sample("nodeapp-svc", requests=400)
wide, narrow = (stats.intervals(each)["2.0"].width for each in (sample, more))
why = "the width shrinks with the square root of the number of requests"
lab.compare("width of the bar with 400 requests", round(narrow / wide, 2), expected=0.32, why=why)

# %%
more.plot()

# %% [markdown]
# Ten times the requests make the bar about a third as wide. To make it a tenth as wide, you would send a hundred times
# as many.

# %% tags=["checkpoint"]
check(lab, "the canary answers as expected", more)

# %% [markdown]
# ## A picture of your own
#
# A Service chooses a pod, not a version: each ready pod is as likely as any other. A sample holds every answer, as a
# table for pandas, the usual Python library for tables. So you can count in your own way.

# %%
lab.reset("03-canary")
answers = lab.sample("nodeapp-svc", requests=400).to_frame()
axes = answers.groupby(["version", "pod"]).size().plot.barh(xlabel="answers of 400", ylabel="")
answers.head(3)

# %% [markdown]
# Four bars of about the same length. Three of them belong to version 1.0, and this is the whole reason for a share of a
# quarter.

# %% [markdown]
# ## How much is chance?
#
# Chance decides which pod answers, so two samples differ although nothing has changed. The next cell takes twenty
# samples of forty requests each, and draws their intervals side by side.

# %% [markdown] tags=["predict"]
# **Predict.** The expected share is the same all the time: the dashed line. How many of the twenty bars will contain it?

# %%
lab.predict("bars of twenty that contain the mark", ..., choices=range(21))  # a number from 0 to 20

# %%
lab.reset("03-canary")
many = lab.sample_many("nodeapp-svc", samples=20, requests=40)
many.plot()

# %%
contained = sum(not share.misses for share in many.shares())
why = "95 of 100 such intervals contain the true share, in the long run"
lab.compare("bars of twenty that contain the mark", contained, expected=19, why=why)

# %% [markdown]
# > **How this course talks about chance.** All bars are 95 % intervals: about one in twenty misses the mark, though
# > nothing is wrong. *As expected* means that the mark is inside the bar. Outside it, the text says *an unlucky draw*, and
# > how rare it is. Only if chance would do this less than once in 10,000 times, it says *not what the pods suggest*. A
# > checkpoint fails in this last case alone.

# %% [markdown]
# ## Replicas are a coarse control
#
# To change the share, you change the number of pods. With four pods the canary can get 0, 25, 50, 75 or 100 %, and
# nothing between.

# %% [markdown] tags=["predict"]
# **Predict.** Three pods of version 1.0 and two of version 2.0. What share of the requests will version 2.0 answer?

# %%
lab.predict("canary share at 3 : 2", ...)  # a number from 0 to 1

# %%
lab.reset("03-canary")
sweep = lab.sweep([(3, 1), (3, 2), (2, 2), (1, 3)], requests=200)
sweep.plot()

# %% [markdown]
# Each point is one ratio of pods. Across the picture you read the expected share, upwards the observed one. On the
# dashed line both are equal.

# %%
lab.compare("canary share at 3 : 2", sweep.samples[1])

# %% [markdown]
# For each ratio, `lab.sweep` scaled the two Deployments, waited for the pods and took a sample. One such step in a
# terminal:
#
# ```sh
# kubectl scale deployment nodeapp-canary --replicas=3
# kubectl rollout status deployment/nodeapp-canary
# ```

# %% tags=["exercise"]
# Start again from three pods and one. Bring both versions to two pods, with lab.scale(name, number).
lab.reset("03-canary")
# solution
lab.scale("nodeapp-canary", 2)
lab.scale("nodeapp-production", 2)

# %% tags=["checkpoint"]
check(lab, "the two versions are even")

# %% [markdown]
# <details><summary>First hint</summary>
# The Deployments are called <code>nodeapp-production</code> and <code>nodeapp-canary</code>.
# </details>
#
# <details><summary>Second hint</summary>
# Two calls are needed. The order matters for visitors: one order has three pods in between, the other has five.
# </details>

# %% [markdown]
# ### Move the pods yourself
#
# The next cell shows controls for both Deployments. Choose numbers and press Apply: it waits for the pods, sends
# requests and draws the shares. What is the smallest share above zero that ten pods allow?
#
# <details><summary>The answer</summary>
# One of ten, so 10 %. A share of one percent would need a hundred pods. Lesson 07 has another way.
# </details>

# %%
lab.reset("03-canary")
lab.replica_board()

# %% [markdown]
# ## Why does a browser show only one version?
#
# Someone reloads a page ten times within a few seconds and sees the same version ten times. A Service chooses a pod
# for each *connection*, and a browser keeps its connection open between requests.

# %% [markdown] tags=["predict"]
# **Predict.** Two hundred requests go over one single connection. How many pods will answer?

# %%
lab.predict("pods behind one connection", ..., choices=range(11))  # a number

# %%
lab.reset("03-canary")
kept = lab.sample("nodeapp-svc", requests=200, keep_alive=1)
pods = sum(hits > 0 for hits in kept.by_pod.values())
why = f"a pod is chosen for each {kept.balanced_per}"
lab.compare("pods behind one connection", pods, expected=min(kept.trials, 4), why=why)

# %% [markdown]
# One connection, one choice, one pod: two hundred requests that say nothing about the share. So check how many
# connections a share is based on. (If more pods answered, the way into your cluster chooses a pod for each request; the
# line above says so.)

# %% [markdown]
# This app closes a connection that was idle for five seconds. A browser on this machine that waits longer may get
# another pod.
#
# A **port-forward** makes the app answer at an address of your machine, until you stop it:
# `kubectl port-forward service/nodeapp-svc 8888:80`, for example. The next cell runs kubectl, which has to be installed,
# and sends each of 200 requests over a new connection.

# %%
forwarded = lab.sample_port_forward("nodeapp-svc", requests=200)
forwarded.plot()

# %% [markdown]
# New connections, and still one version: kubectl chose one pod when it started, and sends everything there. A
# port-forward tells you that a pod works. It says nothing about shares.

# %% [markdown]
# ## Promote it: two ways
#
# To **promote** a canary means to give all requests to the new version. In the first way you move pods: as many
# canaries as production had, then no production.

# %%
lab.reset("03-canary")
lab.scale("nodeapp-canary", 3)
lab.scale("nodeapp-production", 0)
lab.sample("nodeapp-svc", requests=200).plot()

# %% [markdown]
# Visitors have the new version. But the Deployment that serves them is called `nodeapp-canary`, and the next release
# must take this into account.
#
# The second way keeps the names: production gets the new image, and its pods are replaced one after the other. Then the
# canary is no longer needed. With the official client you send a patch with the new image, wait, and read what runs:

# %%
lab.reset("03-canary")
container = {"name": "nodeapp", "image": lab.image("2.0")}
change = {"spec": {"template": {"spec": {"containers": [container]}}}}
lab.apps.patch_namespaced_deployment("nodeapp-production", lab.namespace, change)
lab.wait_ready("nodeapp-production")
production = lab.apps.read_namespaced_deployment("nodeapp-production", lab.namespace)
production.spec.template.spec.containers[0].image

# %% tags=["exercise"]
# Delete the Deployment nodeapp-canary, with the official client or with kubectl in a terminal.
# solution
deleted = lab.apps.delete_namespaced_deployment("nodeapp-canary", lab.namespace)

# %% tags=["checkpoint"]
check(lab, "the release is finished")

# %% [markdown]
# <details><summary>First hint</summary>
# The call has the same form as the patch above: <code>lab.apps.delete_namespaced_deployment</code>, with the name and
# the namespace.
# </details>
#
# <details><summary>Second hint</summary>
# With kubectl: <code>kubectl delete deployment nodeapp-canary</code>.
# </details>

# %% [markdown]
# In a terminal the second way is `kubectl set image deployment/nodeapp-production nodeapp=node_app:2.0`, and then the
# deletion. What is left is production, under its old name, with the new version:
#
# ```sh
# kubectl get deployments -o wide
# ```

# %% [markdown]
# ## What you did
#
# You put a canary behind a Service with one label, measured its share with an interval, changed the share with pods, and
# promoted the canary in two ways. These were your predictions:

# %%
lab.predictions()

# %% [markdown]
# ## What we left out
#
# You measured how *many* requests version 2.0 answers, and not how *well*: whether it fails more often, or is slower. A
# canary exists to find this out. You also did not look at requests that were on their way while a pod ended.
#
# **Next:** lesson 04, in which you find out how many requests are enough.

# %% [markdown]
# The last cell deletes the pods and the Service. The cluster stays for the next lesson.

# %%
lab.close()
