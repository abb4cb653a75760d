# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Production: three copies and one address
#
# A cluster can keep three copies of a program running and give them one address. You will ask it to, watch what it
# makes of the request, and read what it says when it refuses one.
#
# You will need: lesson 1, which built the images. About 30 minutes. Before this: lesson 1.
#
# After this you can
# - describe production in one file and have the cluster make it so;
# - read a refusal of the API server, and correct what it names;
# - say which pods a Service sends traffic to, and why.

# %%
from canarylab import Lab, check

lab = Lab()
lab

# %% [markdown]
# ## Three pods from one file
#
# This section begins with an empty cluster and the two images. If they were built in lesson 1, nothing is built here.

# %%
lab.reset("empty")
lab.build()

# %%
lab.apply("manifests/02-production/production.yaml")

# %%
lab.wait_ready("nodeapp-production")

# %%
lab.pods()

# %% [markdown]
# One file went in, three pods came out. A **pod** is a running copy of the image, with an address of its own. In a
# terminal:
#
# ```
# export KUBECONFIG=$(canarylab kubeconfig)
# kubectl apply -f manifests/02-production/production.yaml
# kubectl rollout status deployment/nodeapp-production
# kubectl get pods -o wide
# ```

# %% [markdown]
# ## What did the file say?
#
# Read it from top to bottom and look for the number three, the image, and the two labels.

# %%
lab.show("manifests/02-production/production.yaml")

# %% [markdown]
# The file never says "start three pods". It says that there *are* three. That is the idea of the whole machine: you
# write down what should be true, and somebody in the cluster keeps making it true.
#
# Whether they mean it is easy to find out.

# %% [markdown] tags=["predict"]
# **Predict.** You will delete one of the three pods. Some seconds later, how many pods will there be?

# %%
lab.predict("pods after deleting one", 2)

# %% [markdown]
# The next cell uses the official Python client for Kubernetes. `lab.core` is its `CoreV1Api`, so what you learn here
# works in any program of yours. With kubectl: `kubectl delete pod NAME`.

# %%
victim = lab.pods().rows[0][0]
status = lab.core.delete_namespaced_pod(victim, lab.namespace)

# %%
lab.wait_ready("nodeapp-production")
lab.compare("pods after deleting one", len(lab.pods().rows))

# %%
lab.pods()

# %% [markdown]
# Look for the name you deleted. It is gone for good, and another pod with another name and another address has taken
# its place. Pods are replaced, never repaired.

# %% [markdown]
# ## Who looks after the pods?
#
# Not the Deployment itself. Between it and the pods stands a **ReplicaSet**, and each writes down who owns it.

# %%
replica_set = lab.apps.list_namespaced_replica_set(lab.namespace).items[0]
replica_set.metadata.name, replica_set.metadata.owner_references[0].name

# %% [markdown]
# The ReplicaSet counts pods. The Deployment decides which ReplicaSet should have how many, which becomes
# interesting as soon as there are two versions. `kubectl get deployments,replicasets,pods` shows all three levels.

# %% tags=["checkpoint"]
check(lab, "production is ready")

# %% [markdown]
# ## What does a refusal look like?
#
# Here is a manifest that circulates, in much the same form, in tutorials. Two of its names are not allowed. Compare
# it with the one that worked.

# %%
lab.show(
    "manifests/02-production/refused/production.yaml",
    against="manifests/02-production/production.yaml",
)

# %% [markdown] tags=["predict"]
# **Predict.** What breaks? Both names were made by hand: `nodeapp_production` and `node-app-1.0`. Will the cluster
# complain about the first, the second, or both at once?

# %%
lab.predict("names that are refused", 1)

# %% tags=["raises-exception"]
lab.apply("manifests/02-production/refused/production.yaml")

# %%
from canarylab.errors import ApiRefusedError

try:
    lab.apply("manifests/02-production/refused/production.yaml")
except ApiRefusedError as refusal:
    complaints = refusal.reply.count("\n* ")
lab.compare("names that are refused", complaints)

# %% [markdown]
# Read it slowly; it is better than it looks. Each line starts with *where* (`metadata.name`), goes on with *what you
# wrote*, and ends with *the rule*. The regular expression at the end of the first line is the same rule once more,
# for machines.
#
# A Deployment may have dots in its name, a container may not, and an underscore is allowed in neither.

# %% [markdown]
# And nothing was changed: a manifest is accepted whole or not at all. Your three pods never noticed.

# %%
lab.pods()

# %% [markdown]
# A *dry run on the client*, `kubectl apply --dry-run=client`, would not have found this. Only the server knows the
# rules; `--dry-run=server` asks it without changing anything.

# %% tags=["exercise"]
# Correct both names and give the result to the cluster. `manifest` is the file as a Python dictionary.
manifest = lab.read("manifests/02-production/refused/production.yaml")
# solution
manifest["metadata"]["name"] = "nodeapp-production"
manifest["spec"]["template"]["spec"]["containers"][0]["name"] = "nodeapp"
lab.apply(manifest)

# %% [markdown]
# <details><summary>First hint</summary>
# The first line of the refusal says where the first name stands: <code>metadata.name</code>. In Python that is
# <code>manifest["metadata"]["name"]</code>.
# </details>
#
# <details><summary>Second hint</summary>
# The path of the second one has a number in brackets: the first container of a list.
# </details>
#
# <details><summary>Third hint</summary>
# Hyphens are allowed wherever you were tempted to write an underscore. Then call <code>lab.apply(manifest)</code>.
# </details>

# %% [markdown]
# ## One address for three pods
#
# Pods come and go with their addresses. Visitors need one that stays. That is a **Service**.

# %%
lab.reset("empty")
lab.apply("manifests/02-production/production.yaml")
lab.wait_ready("nodeapp-production")

# %%
lab.show("manifests/02-production/service.yaml")

# %% [markdown]
# A Service has no list of pods. It has a **selector**, `app: nodeapp`, and asks for whoever carries that label.

# %%
lab.apply("manifests/02-production/service.yaml")
lab.endpoints("nodeapp-svc")

# %% [markdown]
# Compare the addresses with those of the pods. These are the Service's **endpoints**, kept in an object of their own
# that you can look at: `kubectl get endpointslices`. (`kubectl get endpoints` still works and says that it is on its
# way out.)

# %% [markdown]
# ## Asking from inside and from outside
#
# Every pod can reach every other. So step into one pod and ask another one at its own address.

# %%
(inside, *_), (_, _, address, _), *_ = lab.pods().rows
lab.get_from_pod(inside, f"http://{address}:3333")

# %% [markdown]
# From outside, nobody should need a pod's address. The Service asks for a port of its own on the node, and this
# machine reaches it here:

# %%
lab.url("nodeapp-svc")

# %%
lab.get(lab.url("nodeapp-svc"))

# %% [markdown]
# Look at `X-Pod`. Run the cell again a few times: the address stays and the pod changes. In a terminal, with that
# address: `for i in $(seq 15); do curl -s 127.0.0.1:32089; echo; done`.

# %% [markdown]
# ## A label decides
#
# The Service asks for `app: nodeapp`, and your pods carry `env: prod` as well. Suppose somebody narrows the selector,
# and asks for `env: canary` besides.

# %% [markdown] tags=["predict"]
# **Predict.** No pod carries `env: canary`. What will happen: will the cluster refuse the change, will the pods be
# stopped, or something else? How many endpoints will the Service have?

# %%
lab.predict("endpoints with env: canary", 3)

# %%
change = {"spec": {"selector": {"env": "canary"}}}
patched = lab.core.patch_namespaced_service("nodeapp-svc", lab.namespace, change)

# %%
lab.endpoints("nodeapp-svc")

# %%
lab.compare("endpoints with env: canary", len(lab.ready_endpoints("nodeapp-svc")))

# %%
lab.pods()

# %% [markdown]
# Nothing was refused and nothing was stopped. Three healthy pods, and not one visitor reaches them: a selector that
# finds nobody is no error. When a Service does not answer, compare its selector with the labels before anything else.

# %% tags=["exercise"]
# Make the Service ask for `app: nodeapp` alone again. In a change, `None` takes a field away.
# solution
change = {"spec": {"selector": {"env": None}}}
mended = lab.core.patch_namespaced_service("nodeapp-svc", lab.namespace, change)

# %% tags=["checkpoint"]
check(lab, "the Service finds production")

# %% [markdown]
# A label is not a description. It is what everything else looks for: the ReplicaSet counts its pods by label too.
# Where you may change pods, `kubectl label pod NAME app=quarantine --overwrite` takes one out of the traffic, and the
# ReplicaSet, which now counts two, makes another. The odd one runs on, for you to look at.

# %% [markdown]
# ## A bug hunt: the image that nobody built
#
# Somebody releases version 9.9, which was never built. What do visitors notice?

# %% tags=["raises-exception"]
container = {"name": "nodeapp", "image": lab.image("9.9")}
change = {"spec": {"template": {"spec": {"containers": [container]}}}}
released = lab.apps.patch_namespaced_deployment("nodeapp-production", lab.namespace, change)
lab.wait_ready("nodeapp-production")

# %%
lab.pods()

# %%
lab.endpoints("nodeapp-svc")

# %% [markdown]
# Nothing. The new pod cannot start, `ErrImagePull`, so it is never ready; and as long as it is not ready, the
# Deployment takes none of the old ones away. Readiness is what stands between a mistake and the visitors.
#
# `kubectl describe pod NAME` shows the same story with times.

# %% tags=["exercise"]
# Correct it: give the container an image that exists, and wait. The cell that broke it shows how.
# solution
container = {"name": "nodeapp", "image": lab.image("1.0")}
change = {"spec": {"template": {"spec": {"containers": [container]}}}}
mended = lab.apps.patch_namespaced_deployment("nodeapp-production", lab.namespace, change)
lab.wait_ready("nodeapp-production")

# %% tags=["checkpoint"]
check(lab, "production is ready")

# %% [markdown]
# ## What you did
#
# You described production in a file, read a refusal and mended what it named, and followed traffic from one address
# to three pods. These were your predictions:

# %%
lab.predictions()

# %% [markdown]
# ## What we left out
#
# A real manifest also says how much memory and processor a container may use, and has a second probe that restarts a
# program which hangs. A real cluster has several nodes and spreads the pods over them.
#
# **Next:** lesson 3, where version 2.0 joins, and nobody tells the Service.

# %% [markdown]
# The last cell takes away the pods and the Service. The cluster itself stays for the next lesson.

# %%
lab.close()
