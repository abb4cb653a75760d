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
# Three pods of version 1.0 serve your visitors. You will put one pod of version 2.0 beside them, without touching
# the Service, and find out how much of the traffic it takes.
#
# You will need: lessons 1 and 2. About 30 minutes. Before this: lesson 2.
#
# After this you can
# - put a canary behind a Service that is already there, with nothing but a label;
# - say what share it should get, and measure what it does get;
# - move the ratio, and promote the canary in two ways.

# %%
from canarylab import Lab, check

lab = Lab()
lab

# %% [markdown]
# ## Who gets the traffic now?
#
# This section starts from production as lesson 2 left it: three pods and one Service. The first cell brings the
# cluster there, whatever you did before.

# %%
lab.build()
lab.reset("02-production")

# %%
lab.endpoints("nodeapp-svc")

# %% [markdown]
# Three addresses, all of version 1.0. The Service found them by the label `app: nodeapp`.

# %% [markdown]
# ## One label in common
#
# Here is the canary. The marked lines differ from production. Which label do the two still share?

# %%
lab.show(
    "manifests/03-canary/canary.yaml",
    against="manifests/02-production/production.yaml",
)

# %% [markdown]
# `env` differs, so each Deployment counts only its own pods. `app` is the same, so the Service selects both. That is
# all there is to it.

# %% [markdown] tags=["predict"]
# **Predict.** Once the canary is ready, how many endpoints will the Service have? And what share of the requests
# will version 2.0 answer? Write it as a number from 0 to 1.

# %%
lab.predict("endpoints", 3)

# %%
lab.predict("canary share", 0.5)

# %%
lab.apply("manifests/03-canary/canary.yaml")
lab.wait_ready("nodeapp-canary")

# %%
lab.endpoints("nodeapp-svc")

# %%
lab.compare("endpoints", len(lab.ready_endpoints("nodeapp-svc")))

# %% [markdown]
# Nobody told the Service. In a terminal: `kubectl apply -f manifests/03-canary/canary.yaml`, then
# `kubectl get pods --show-labels`.

# %% tags=["checkpoint"]
check(lab, "the Service selects both")

# %% [markdown]
# ## What share does it get?
#
# Send forty requests, each on a connection of its own, as forty visitors would.

# %%
sample = lab.sample("nodeapp-svc", requests=40)
sample

# %%
lab.compare("canary share", sample.share("2.0"))

# %%
sample.plot()

# %% [markdown]
# The dark marks are what the pods suggest: one of four, a quarter. The dots are what you saw. The bars are what forty
# requests can tell: every share inside the bar could well have produced what you saw.
#
# Run the three cells again. The dots move, the marks stay.

# %% [markdown] tags=["predict"]
# **Predict.** Now four hundred requests instead of forty. How wide will the bar of version 2.0 be, compared with the
# one above? Write 1.0 for just as wide, 0.5 for half as wide.

# %%
lab.predict("width of the bar, ten times the requests", 0.5)

# %%
more = lab.sample("nodeapp-svc", requests=400)
more.plot()

# %%
from canarylab import stats

wide, narrow = (stats.intervals(each)["2.0"].width for each in (sample, more))
lab.compare("width of the bar, ten times the requests", narrow / wide)

# %% [markdown]
# Ten times the requests make the bar about a third as wide, because its width goes with the square root of the
# number. Lesson 4 is about nothing else. The same numbers, as a table:

# %%
more.summary()

# %% tags=["checkpoint"]
check(lab, "the canary answers as expected", more)

# %% [markdown]
# ## Which pod answered?
#
# A Service does not know about versions. It chooses a pod, any pod, each as likely as the next. The share of a version is
# only the share of its pods.

# %%
more.plot(by="pod")

# %% [markdown]
# ## Why does my browser show only one version?
#
# Open the address below in a browser and reload it ten times. Most people see one version, ten times of ten.

# %%
lab.url("nodeapp-svc")

# %% [markdown]
# A Service chooses a pod for each *connection*, not for each request, and a browser keeps its connection open.

# %% [markdown] tags=["predict"]
# **Predict.** Two hundred requests, all on a single kept connection. How many pods will answer?

# %%
lab.predict("pods behind one connection", 4)

# %%
pinned = lab.sample("nodeapp-svc", requests=200, keep_alive=1)
lab.compare("pods behind one connection", sum(hits > 0 for hits in pinned.by_pod.values()))

# %%
pinned.plot()

# %% [markdown]
# Two hundred requests, one connection, one choice. So count connections before you trust a share. (`kubectl
# port-forward` has the same effect, and must never be used to measure a split.)
#
# If all pods answered you, read the small print of the picture: on some clusters the only way in is the API server's
# proxy, which chooses a pod for each request.

# %% tags=["exercise"]
# Now 200 requests over 8 kept connections. Look at the picture: is it nearer to a quarter?
# solution
lab.sample("nodeapp-svc", requests=200, keep_alive=8).plot()

# %% [markdown]
# ## Replicas are a coarse knob
#
# With four pods the canary gets a quarter or nothing. To change the share, change the numbers of pods. First two
# canaries beside three.

# %% [markdown] tags=["predict"]
# **Predict.** Three pods of version 1.0 and two of version 2.0. What share will the canary get?

# %%
lab.predict("canary share at 3 to 2", 0.5)

# %%
lab.scale("nodeapp-canary", 2)
three_two = lab.sample("nodeapp-svc", requests=400)
lab.compare("canary share at 3 to 2", three_two.share("2.0"))

# %% [markdown]
# Two of five. Going from 3 : 1 to 2 : 2 in two steps, as one does, passes through a share that nobody asked for. With
# kubectl: `kubectl scale deployment nodeapp-canary --replicas=2`.

# %% tags=["exercise"]
# Take production down to 2, so that the two versions are even, and measure again with 400 requests.
# solution
lab.scale("nodeapp-production", 2)
even = lab.sample("nodeapp-svc", requests=400)
even.plot()

# %% tags=["checkpoint"]
check(lab, "the two versions are even")

# %% [markdown]
# ## Move the knob yourself
#
# The board below moves the real Deployments, waits for the pods, sends requests, and draws what came back. Each
# act is also shown as the kubectl command that does the same.
#
# Try 9 and 1. Try 0 canaries. What is the smallest share, other than nought, that ten pods allow?

# %%
lab.reset("03-canary")
board = lab.replica_board()
board

# %% [markdown]
# A share of one percent would take a hundred pods. Lesson 7 has a knob that does not depend on pods.

# %% [markdown]
# ## Promote it, first way: let it grow
#
# The canary has proved itself. The first way to promote it: give it as many pods as production had, then take
# production down to none.

# %%
board.close()
lab.reset("03-canary")
lab.scale("nodeapp-canary", 3)
lab.scale("nodeapp-production", 0)

# %%
grown = lab.sample("nodeapp-svc", requests=200)
grown.plot()

# %% tags=["checkpoint"]
check(lab, "only the new version answers", grown)

# %% [markdown]
# The visitors have the new version. But what is now production is called `nodeapp-canary`, and the next release will
# have to remember that.

# %% [markdown]
# ## Promote it, second way: give production the image
#
# The second way keeps the names. Production gets the new image, pod by pod, and the canary goes when it is done.

# %%
lab.reset("03-canary")
change = {
    "spec": {"template": {"spec": {"containers": [{"name": "nodeapp", "image": lab.image("2.0")}]}}}
}
released = lab.apps.patch_namespaced_deployment("nodeapp-production", lab.namespace, change)
lab.wait_ready("nodeapp-production")

# %% tags=["exercise"]
# Delete the Deployment nodeapp-canary with the official client.
# solution
deleted = lab.apps.delete_namespaced_deployment("nodeapp-canary", lab.namespace)

# %% [markdown]
# <details><summary>A hint</summary>
# The call has the same shape as the one above it: <code>delete_namespaced_deployment</code>, with the name and the
# namespace. With kubectl: <code>kubectl delete deployment nodeapp-canary</code>.
# </details>

# %%
renewed = lab.sample("nodeapp-svc", requests=200)
renewed.plot()

# %% tags=["checkpoint"]
check(lab, "the release is finished")

# %% [markdown]
# With kubectl the whole second way is two lines:
#
# ```
# kubectl set image deployment/nodeapp-production nodeapp=node_app:2.0
# kubectl delete deployment nodeapp-canary
# ```

# %% [markdown]
# ## What you did
#
# You put a canary behind a Service by one label, said what share it should get and measured it, moved the ratio, and
# promoted in two ways. These were your predictions:

# %%
lab.predictions()

# %% [markdown]
# ## What we left out
#
# You looked at shares and never asked whether version 2.0 is any *good*: whether it fails more often, or is slower.
# That is what a canary is for, and lesson 8 is about it. Nor did we look at requests that were under way while pods
# went; lesson 5 does.
#
# **Next:** lesson 4, on what fifteen requests can say and what they cannot.

# %% [markdown]
# The last cell takes away the pods and the Service. The cluster itself stays.

# %%
lab.close()
