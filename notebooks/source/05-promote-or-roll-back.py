# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Promote it, or go back
#
# A release ends in one of two ways: everybody gets the new version, or everybody gets the old one again. You do both
# while requests arrive, and count the requests that are lost.
#
# You will need: lessons 01 to 03. About 45 minutes. Before this: lesson 04.
#
# After this you can
# - promote a canary in two ways, and say what each of them leaves behind;
# - say how many pods an update changes at once, and go back to an earlier revision;
# - end pods without losing a request.

# %%
from canarylab import Lab, check

lab = Lab()
lab

# %% [markdown]
# ## Two ways to promote
#
# The canary of lesson 03 is good, so everybody should get version 2.0. The first way moves pods: the canary gets three
# pods, and then production gets none. `lab.promote("replicas")` does both, as two `kubectl scale` would.
#
# Inside the `with` block below, requests arrive all the time: 200 in each second, over new connections.

# %% [markdown] tags=["predict"]
# **Predict.** Two pods start and three pods end, while about a thousand requests arrive. How many requests will be lost,
# that is, get no answer?

# %%
lab.predict("requests lost in the promotion", ..., choices=range(1_001))  # a number

# %%
lab.build()
lab.reset("03-canary")
with lab.traffic("nodeapp-svc", rate=200) as traffic:
    lab.promote("replicas")
why = "a pod that ends still answers for three seconds"
lab.compare("requests lost in the promotion", traffic.sample.failed, expected=0, why=why)

# %%
traffic.sample.plot_over_time()

# %% [markdown]
# The share of version 2.0 rises from a quarter to all. The dashed line is the expected share: it makes a step whenever a
# pod starts to get requests or stops. The last part of this lesson shows why no request was lost.

# %% [markdown]
# ### What the first way leaves behind
#
# Two Deployments are still there. The one called `nodeapp-canary` serves everybody. The one called
# `nodeapp-production` has no pods and still names version 1.0:
#
# ```sh
# kubectl get deployments -o wide
# ```

# %% [markdown] tags=["predict"]
# **Predict.** A script applies `production.yaml` of lesson 02 every night. How many ready pods of version 1.0 will there
# be in the morning?

# %%
lab.predict("pods of version 1.0 in the morning", ..., choices=range(10))  # a number

# %%
lab.apply("manifests/02-production/production.yaml")
lab.wait_ready("nodeapp-production")
old = [each.pod for each in lab.ready_endpoints("nodeapp-svc") if each.version == "1.0"]
why = "the file still says three replicas of version 1.0"
lab.compare("pods of version 1.0 in the morning", len(old), expected=3, why=why)

# %% [markdown]
# Half of the requests get the old version again, and nobody decided that. After a promotion, change the files too: they
# should say what the cluster runs.

# %% [markdown]
# ### The second way keeps the names
#
# `lab.promote("image")` gives production the canary's image, waits until its pods are replaced, and deletes the canary. In
# a terminal these are `kubectl set image` and `kubectl delete deployment`. It takes about ten seconds, because each
# pod that ends has three seconds for its last requests.

# %%
lab.reset("03-canary")
with lab.traffic("nodeapp-svc", rate=200) as traffic:
    lab.promote("image")
print(traffic.sample.lost())
answers = traffic.sample.to_frame().dropna(subset=["pod"])
axes = answers.plot.scatter("when (s)", "pod", s=4)

# %% [markdown]
# Each row is a pod, each dot an answer. The old pods of production stop, and each of them only when a new one is ready.
# The network follows in steps of up to a second, so several may change at one moment here. The canary answers until
# production is new, and then it ends.
#
# What is left is one Deployment with its usual name. It also keeps its former ReplicaSet, without pods:
#
# ```sh
# kubectl get deployments,replicasets -o wide
# ```

# %% tags=["exercise"]
# A colleague has promoted in the first way. Finish it: nodeapp-production should have three pods
# of lab.image("2.0"), and nodeapp-canary should be deleted.
lab.reset("03-canary")
lab.promote("replicas")
# solution
container = {"name": "nodeapp", "image": lab.image("2.0")}
change = {"spec": {"replicas": 3, "template": {"spec": {"containers": [container]}}}}
patched = lab.apps.patch_namespaced_deployment("nodeapp-production", lab.namespace, change)
lab.wait_ready("nodeapp-production")
deleted = lab.apps.delete_namespaced_deployment("nodeapp-canary", lab.namespace)

# %% tags=["checkpoint"]
check(lab, "the release is finished")

# %% [markdown]
# <details><summary>First hint</summary>
# In which order do visitors always have pods? First production needs its pods, then the canary may go.
# </details>
#
# <details><summary>Second hint</summary>
# One patch can change both fields of nodeapp-production: <code>spec.replicas</code>, and the image as in lesson 03. With
# kubectl: <code>kubectl set image</code>, then <code>kubectl scale</code>.
# </details>
#
# <details><summary>Third hint</summary>
# After the patch and <code>lab.wait_ready</code>, delete with <code>lab.apps.delete_namespaced_deployment</code>.
# </details>

# %% [markdown]
# ## How many pods change at once?
#
# A **rolling update** replaces pods a few at a time. Two fields of a Deployment limit it. **maxSurge** is how many pods
# there may be above the wanted number, and **maxUnavailable** how many ready pods may be missing. Both are 25 % if
# nothing is said. Of three pods this means one more, and none missing.

# %%
lab.reset("empty")
lab.reset("02-production")
container = {"name": "nodeapp", "image": lab.image("2.0")}
change = {"spec": {"template": {"spec": {"containers": [container]}}}}
with lab.traffic("nodeapp-svc", rate=200) as traffic:
    patched = lab.apps.patch_namespaced_deployment("nodeapp-production", lab.namespace, change)
    steps = lab.watch_rollout("nodeapp-production")
steps

# %% [markdown]
# Read the table from the top. One new pod starts, it gets ready, and only then one old pod ends. This repeats until all
# are new. A pod that is ending does not count as one of the three.
#
# In a terminal, `kubectl get pods --watch` shows the same until you press Ctrl-C. The two limits are in:
#
# ```sh
# kubectl get deployment nodeapp-production -o jsonpath='{.spec.strategy}'
# ```

# %% [markdown] tags=["predict"]
# **Predict.** This cluster has no room for a fourth pod. So you set `maxSurge` to 0 and `maxUnavailable` to 1, and replace
# the pods again. What will be the smallest number of ready pods on the way?

# %%
lab.predict("fewest ready pods", ..., choices=range(10))  # a number

# %% [markdown]
# `lab.restart` replaces the pods by equal ones, as `kubectl rollout restart deployment/nodeapp-production` does. The next
# cell sets the limits first.

# %%
limits = {"maxSurge": 0, "maxUnavailable": 1}
change = {"spec": {"strategy": {"rollingUpdate": limits}}}
patched = lab.apps.patch_namespaced_deployment("nodeapp-production", lab.namespace, change)
lab.restart("nodeapp-production")
steps = lab.watch_rollout("nodeapp-production")
fewest = int(steps.to_frame()["ready"].min())
lab.compare("fewest ready pods", fewest, expected=2, why="one of three may be missing")

# %% [markdown]
# Now an old pod ends first, and a new one starts after that. Visitors still get answers, from two pods. If two pods are
# too few for your visitors, this setting is wrong for you: maxSurge costs room, maxUnavailable costs strength.

# %% tags=["exercise"]
# Choose the limits so that three pods are ready all the time, and all pods are replaced in one step.
limits = {"maxSurge": 0, "maxUnavailable": 1}
# solution
limits = {"maxSurge": 3, "maxUnavailable": 0}
change = {"spec": {"strategy": {"rollingUpdate": limits}}}
patched = lab.apps.patch_namespaced_deployment("nodeapp-production", lab.namespace, change)

# %% [markdown]
# The checkpoint replaces the pods once more, and watches them. That takes up to ten seconds.

# %% tags=["checkpoint"]
check(lab, "all pods are replaced at once")

# %% [markdown]
# <details><summary>First hint</summary>
# Which of the two fields allows that ready pods are missing? It has to be 0.
# </details>
#
# <details><summary>Second hint</summary>
# For one step, three new pods have to start beside the three old ones.
# </details>
#
# <details><summary>Third hint</summary>
# Change the numbers in <code>limits</code>, and send them with the same patch as above.
# </details>

# %% [markdown]
# ## A version that never gets ready
#
# A new manifest of production has version 2.0. Do not open the file yet. It sets a **progress deadline** of five seconds:
# the longest time that an update may make no progress. Without the field it is ten minutes.
# The cell below waits for the update, and ends with an error message: that is meant.

# %% [markdown] tags=["predict"]
# **Predict.** With this file, no new pod ever gets ready. What does Kubernetes do after the five seconds?

# %%
what = ("go back to version 1.0", "delete the new pod", "only note it")
lab.predict("after the progress deadline", ..., choices=what)

# %% tags=["raises-exception"]
lab.reset("empty")
lab.reset("02-production")
lab.apply("manifests/05-promote/production.yaml")
lab.wait_ready("nodeapp-production", timeout_s=9)

# %%
production = lab.apps.read_namespaced_deployment("nodeapp-production", lab.namespace)
progress = [each for each in production.status.conditions if each.type == "Progressing"]
waits = production.status.unavailable_replicas == 1
is_new = production.spec.template.spec.containers[0].image == lab.image("2.0")
seen = "only note it" if waits and is_new else "something else"
why = f"the condition Progressing has the reason {progress[0].reason}"
lab.compare("after the progress deadline", seen, expected="only note it", why=why)

# %% [markdown]
# Three old pods answer, and the new one waits. Kubernetes does not go back by itself: that is left to you, or to a
# program. `kubectl rollout status` sees the note and fails, so a script can stop there:
#
# ```sh
# kubectl rollout status deployment/nodeapp-production  # fails: the progress deadline is exceeded
# kubectl get pods
# ```

# %% [markdown]
# ### Go back to a revision
#
# Whenever the template of its pods changes, a Deployment makes a new ReplicaSet and gives it the next number. Such a
# numbered template is a **revision**. The old ones stay, so that you can go back:
#
# ```sh
# kubectl rollout history deployment/nodeapp-production
# ```

# %%
number = "deployment.kubernetes.io/revision"
found = lab.apps.list_namespaced_replica_set(lab.namespace, label_selector="env=prod").items
revisions = {each.metadata.annotations[number]: each.spec.template for each in found}
{each: template.spec.containers[0].image for each, template in sorted(revisions.items())}

# %% [markdown]
# To go back means to put an old template into the Deployment again. `kubectl rollout undo` does this. A **JSON patch** does the
# same: a list of operations, here one that replaces the field at `/spec/template`.

# %% tags=["exercise"]
# Go back to revision 1, with `kubectl rollout undo deployment/nodeapp-production --to-revision=1` in a
# terminal, or here with a value for the patch. The line with `pop` removes a label that the
# ReplicaSet has added.
for template in revisions.values():
    template.metadata.labels.pop("pod-template-hash", None)
change = [{"op": "replace", "path": "/spec/template", "value": production.spec.template}]
# solution
change = [{"op": "replace", "path": "/spec/template", "value": revisions["1"]}]
patched = lab.apps.patch_namespaced_deployment("nodeapp-production", lab.namespace, change)
lab.wait_ready("nodeapp-production")

# %% tags=["checkpoint"]
check(lab, "production is back at version 1.0")

# %% [markdown]
# <details><summary>First hint</summary>
# <code>revisions</code> is a dictionary. Its keys are texts: <code>"1"</code> and <code>"2"</code>.
# </details>
#
# <details><summary>Second hint</summary>
# The value of the operation is the template of revision 1.
# </details>
#
# <details><summary>Third hint</summary>
# Send the list with <code>lab.apps.patch_namespaced_deployment</code>, as any other patch, and wait.
# </details>

# %% [markdown]
# It was quick, because three pods of version 1.0 were still there. Revision 1 has a new number now: it is the latest one,
# revision 3. So the same command does not work twice:
#
# ```sh
# kubectl rollout undo deployment/nodeapp-production --to-revision=1  # fails: it is revision 3 now
# ```
#
# Going back changes the template alone. The number of replicas and the progress deadline stay as they are.

# %% [markdown]
# ### Bug hunt: what keeps version 2.0 from being ready?
#
# The image of version 2.0 is good, as the first part showed. So it is something in the file. A first trace are the
# events of failed probes. Every pod has some, for a moment after its start and before its end. The last line is the pod
# that waited: its program ran, and answered the probe with an error again and again.
#
# ```sh
# kubectl get events --field-selector reason=Unhealthy --sort-by=.count -o custom-columns=TIMES:.count,POD:.involvedObject.name,WHY:.message | tail -3
# ```

# %% tags=["exercise"]
# Find the field, and bring version 2.0 to all three pods without it. `manifest` is the file as a
# dictionary; `lab.apply` accepts it.
manifest = lab.read("manifests/05-promote/production.yaml")
# solution
del manifest["spec"]["template"]["spec"]["containers"][0]["env"]
lab.apply(manifest)
lab.wait_ready("nodeapp-production")

# %% tags=["checkpoint"]
check(lab, "the release is finished")

# %% [markdown]
# <details><summary>First hint</summary>
# Compare the two revisions: <code>kubectl rollout history deployment/nodeapp-production --revision=2</code> prints the
# template of one.
# </details>
#
# <details><summary>Second hint</summary>
# <code>lab.show</code> with <code>against</code> marks the lines that differ from <code>production.yaml</code> of lesson
# 02.
# </details>
#
# <details><summary>Third hint</summary>
# <code>READY_AFTER_S</code> tells the app to report that it is not ready for so many seconds after its start. Remove
# <code>env</code> from the container, or set a small number, in quotes: <code>"1"</code>.
# </details>

# %% [markdown]
# ## Why was no request lost?
#
# When a pod has to end, two things begin at the same moment. The pod leaves the endpoints of its Service, and its program
# gets **SIGTERM**, the signal that asks a program to end. But the network follows the endpoints up to a second later. Until
# then it still sends new connections to the pod.

# %% [markdown]
# Our app expects that. After SIGTERM it goes on answering for three seconds, and then ends. This is called **draining**.
# The environment variable `DRAIN_S` sets the seconds. You now set it to 0.

# %% [markdown] tags=["predict"]
# **Predict.** The next cell sets `DRAIN_S=0` in the Deployment, which replaces the three pods. Will requests be lost in this
# update?

# %%
lab.predict("requests lost while DRAIN_S=0 comes", ..., choices=("none", "some"))

# %%
lab.reset("empty")
lab.reset("02-production")
container = {"name": "nodeapp", "env": [{"name": "DRAIN_S", "value": "0"}]}
change = {"spec": {"template": {"spec": {"containers": [container]}}}}
with lab.traffic("nodeapp-svc", rate=200) as traffic:
    patched = lab.apps.patch_namespaced_deployment("nodeapp-production", lab.namespace, change)
    lab.wait_ready("nodeapp-production")
seen, why = "some" if traffic.sample.failed else "none", "the pods that end have the old setting"
lab.compare("requests lost while DRAIN_S=0 comes", seen, expected="none", why=why)

# %% [markdown]
# An environment variable is read when a program starts. The pods that ended still drained; those that run now do not. So
# the *next* update is the one to watch; `lab.restart` makes it below. In a terminal, the change was:
#
# ```sh
# kubectl set env deployment/nodeapp-production DRAIN_S=0
# ```

# %%
with lab.traffic("nodeapp-svc", rate=200) as traffic:
    lab.restart("nodeapp-production")
    lab.wait_ready("nodeapp-production")
traffic.sample.lost()

# %%
traffic.sample.plot_over_time()

# %% [markdown]
# The marks are the lost requests. They begin when the first pod ends, and are over about a second after the last one has
# ended, when the network has followed. *Refused* or *reset* means that nobody listened at the pod's address any more. *Cut off* means that an
# answer had begun. Lost requests are in no share.

# %% [markdown]
# ### Readiness, preStop and drain
#
# Three things sound alike, and none replaces the others:
#
# | | who acts, and when | what it is good for |
# |---|---|---|
# | readiness probe | the cluster, as long as the pod runs | no new requests for a pod that cannot answer now |
# | preStop hook | the cluster, before it sends SIGTERM | time for the network to follow |
# | drain | the program, after SIGTERM | requests that have begun, or still arrive, get their answer |

# %% [markdown]
# A pod that ends leaves the endpoints at once, whatever its probe says. So a readiness probe saves none of these requests.
#
# A **preStop hook** is a command or a pause before SIGTERM. It helps a program that you cannot change, but it does not
# finish what has begun. Hook and drain together must fit into `terminationGracePeriodSeconds`, 30 if nothing is said;
# then the program is killed.

# %% tags=["exercise"]
# Suppose that this app cannot drain: DRAIN_S stays 0. Give its container a preStop hook that sleeps for
# three seconds, and wait until the pods are ready. `lifecycle` is a field of the container.
lifecycle = {"preStop": {"sleep": {"seconds": 3}}}
# solution
container = {"name": "nodeapp", "lifecycle": lifecycle}
change = {"spec": {"template": {"spec": {"containers": [container]}}}}
patched = lab.apps.patch_namespaced_deployment("nodeapp-production", lab.namespace, change)
lab.wait_ready("nodeapp-production")

# %% [markdown]
# The checkpoint replaces the pods under 200 requests a second, and counts what is lost. That takes about ten seconds.

# %% tags=["checkpoint"]
check(lab, "an update loses no request")

# %% [markdown]
# <details><summary>First hint</summary>
# The patch has the same form as the one that set <code>DRAIN_S</code>. Only the field of the container is another one.
# </details>
#
# <details><summary>Second hint</summary>
# <code>{"name": "nodeapp", "lifecycle": lifecycle}</code> is the container of the patch.
# </details>
#
# <details><summary>Third hint</summary>
# The cluster says that there is no field <code>sleep</code>? Kubernetes has it from version 1.30 on. Then let the hook run
# a command: <code>{"exec": {"command": ["sleep", "3"]}}</code>.
# </details>

# %% [markdown]
# The update that brought the hook lost requests once more, because its old pods had none. Whoever repairs the end of a
# pod sees the effect one update later.

# %% [markdown]
# ## What you did
#
# You promoted a canary in two ways, watched updates pod by pod, went back to a revision, and counted lost requests with
# a drain, without one, and with a preStop hook. These were your predictions:

# %%
lab.predictions()

# %% [markdown]
# ## What we left out
#
# A connection that stays open for hours needs more than three seconds. Nodes are emptied for maintenance, and a
# PodDisruptionBudget limits that. A change of a database cannot be undone with a revision. And a pod that is ready for a
# moment only is counted as good, unless `minReadySeconds` says otherwise.
#
# **Next:** lesson 06, in which testers reach the canary at an address of its own.

# %% [markdown]
# The last cell deletes the pods and the Service. The cluster stays for the next lesson.

# %%
lab.close()
