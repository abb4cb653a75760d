# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Production: three pods and one address
#
# A cluster can run three copies of a program and give them one address. You describe what you want in a file, watch
# what the cluster does with it, and read the answer when it refuses a file.
#
# You will need: the two images of lesson 01. About 40 minutes. Before this: lesson 01.
#
# After this you can
# - describe production in a file, and have the cluster run it;
# - read a refusal of the API server, and correct what it names;
# - say which pods a Service sends requests to, and why.

# %%
from canarylab import Lab, check

lab = Lab()
lab

# %% [markdown]
# ## Three pods from one file
#
# A **cluster** is a group of machines that run containers together, managed by Kubernetes. The line above says which
# cluster you use. A **manifest** is a text file that describes what the cluster should run. This one describes
# production:

# %%
lab.show("manifests/02-production/production.yaml")

# %% [markdown]
# Find three things in the file: the number of `replicas`, the `image` and the `labels`.
#
# Its kind is **Deployment**: an object that says which image to run, and in how many copies. A running copy is called
# a **pod**: one or more containers with an address of their own. Here each pod has one container.

# %% [markdown]
# The next cell sends the file to the **API server**, the part of the cluster that receives requests and stores
# objects. Then it waits until the pods are ready. The section starts with an empty cluster; if lesson 01 has built the
# images already, `lab.build()` is quick.

# %%
lab.reset("empty")
lab.build()
lab.apply("manifests/02-production/production.yaml")
lab.wait_ready("nodeapp-production")
lab.pods()

# %% [markdown]
# One file, three pods. **kubectl** is the command-line program of Kubernetes; it sends requests to the same API server
# as this notebook. Open a terminal beside the notebook and try:
#
# ```sh
# kubectl get pods -o wide
# kubectl rollout status deployment/nodeapp-production
# ```
#
# To send a file, you would write `kubectl apply -f FILE`.

# %% [markdown]
# ### What happens when a pod disappears?
#
# You will now delete a pod, as if its machine had failed.

# %% [markdown] tags=["predict"]
# **Predict.** One of the three pods is deleted. How many ready pods will there be half a minute later? Write your
# number in place of the three dots.

# %%
lab.predict("pods after deleting one", ..., choices=range(10))  # a number

# %% [markdown]
# `lab.core` is the `CoreV1Api` of the **official client** of Kubernetes for Python: what you write with it works in any
# Python program. The cell lists the pods and deletes the first one, as `kubectl delete pod NAME` does.

# %%
pods = lab.core.list_namespaced_pod(lab.namespace, label_selector="app=nodeapp").items
name = pods[0].metadata.name
deleted = lab.core.delete_namespaced_pod(name, lab.namespace)
name

# %%
lab.wait_ready("nodeapp-production")
why = "the Deployment has three replicas, so the pod was replaced"
lab.compare("pods after deleting one", len(lab.pods().rows), expected=3, why=why)

# %% [markdown]
# Run `kubectl get pods` in the terminal: the deleted name is gone, and one pod is younger than the others.
#
# The file does not say "start three pods". It says that there *are* three. A **controller**, a program in the cluster,
# compares this number with the pods that exist, and starts or stops pods until both agree. Pods are replaced, never
# repaired.

# %% [markdown]
# Between the Deployment and its pods there is a third object. A **ReplicaSet** keeps a number of equal pods; the
# Deployment makes one ReplicaSet for each version of the program. This shows all three levels:
#
# ```sh
# kubectl get deployments,replicasets,pods
# ```

# %% [markdown]
# ## How to read a refusal
#
# The API server does not accept every file. Many tutorials have a manifest much like the next one. Lines marked with
# `>` differ from the file that worked. This section starts with an empty cluster again.

# %%
lab.reset("empty")
lab.show(
    "manifests/02-production/refused/production.yaml",
    against="manifests/02-production/production.yaml",
)

# %% [markdown] tags=["predict"]
# **Predict.** Two names are different: `nodeapp_production` for the Deployment and `node-app-1.0` for the container.
# Will the API server refuse the first, the second, or both?

# %%
lab.predict("refused names", ..., choices=("first", "second", "both"))

# %% tags=["raises-exception"]
lab.apply("manifests/02-production/refused/production.yaml")

# %%
why = "the server checks the whole object and lists every mistake"
lab.compare("refused names", "both", expected="both", why=why)

# %% [markdown]
# Read the refusal slowly. Each line begins with the *place* in the file (`metadata.name`), then shows *what you wrote*,
# then *the rule*. The first line ends with the same rule as a **regular expression**: a pattern of letters and signs
# that describes which texts are allowed.
#
# A Deployment may have dots in its name, a container may not. Neither may have an underscore.

# %% [markdown]
# The refusal changed nothing: an object is accepted whole or not at all. When a file has several objects,
# `kubectl apply` creates those without a mistake and refuses the others.
#
# With `--dry-run=server` the API server checks a file and changes nothing:
#
# ```sh
# kubectl apply --dry-run=server -f manifests/02-production/production.yaml
# ```

# %% tags=["exercise"]
# Correct both names, apply the manifest, and wait until its pods are ready. The Deployment
# should be called nodeapp-production. `manifest` is the refused file as a Python dictionary.
manifest = lab.read("manifests/02-production/refused/production.yaml")
# solution
manifest["metadata"]["name"] = "nodeapp-production"
manifest["spec"]["template"]["spec"]["containers"][0]["name"] = "nodeapp"
lab.apply(manifest)
lab.wait_ready("nodeapp-production")

# %% tags=["checkpoint"]
check(lab, "production is ready")

# %% [markdown]
# <details><summary>First hint</summary>
# The first line of the refusal names the place of the first name: <code>metadata.name</code>. In Python this is
# <code>manifest["metadata"]["name"]</code>.
# </details>
#
# <details><summary>Second hint</summary>
# The place of the second name has a number in brackets: <code>containers[0]</code> is the first container of a list.
# </details>
#
# <details><summary>Third hint</summary>
# Both names may have hyphens. Afterwards call <code>lab.apply</code> with the dictionary, then
# <code>lab.wait_ready</code> with the name of the Deployment.
# </details>

# %% [markdown]
# ## One address for three pods
#
# Each pod has an address, and a new pod has a new one. Visitors need an address that stays the same. A **Service**
# gives it to them: one address in front of several pods. Here is its manifest; the cell also brings back the three
# pods.

# %%
lab.reset("empty")
lab.apply("manifests/02-production/production.yaml")
lab.wait_ready("nodeapp-production")
lab.show("manifests/02-production/service.yaml")

# %% [markdown]
# The file does not list pods. It has a selector. A **label** is a name with a value that is attached to an object,
# such as `app: nodeapp`. A **selector** is a list of labels: it matches every pod that has all of them.
#
# A **NodePort** is a port that the Service opens on each **node**, as the machines of a cluster are called.

# %%
lab.apply("manifests/02-production/service.yaml")

# %% [markdown]
# The diagram shows what is in the cluster now. Read it from left to right, and compare the Service's selector with the
# labels of the pods.

# %%
lab.diagram()

# %% [markdown]
# Each arrow from the Service ends at an **endpoint**: the address of a pod that gets the Service's requests. The cluster
# keeps the list of endpoints up to date, in objects called **EndpointSlices**:
#
# ```sh
# kubectl get service nodeapp-svc
# kubectl get endpointslices
# ```

# %%
lab.get(lab.url("nodeapp-svc"))

# %% [markdown]
# `X-Pod` is the pod that answered. Run the cell several times: the address stays the same, the pod changes. The
# Service chooses one of its endpoints at random for each connection. In a terminal:
#
# ```sh
# canarylab url
# curl -s "$(canarylab url)"
# ```

# %% [markdown]
# ## A selector that is too narrow
#
# The Service selects `app: nodeapp`. You will add a second label to its selector: `env: canary`.

# %% [markdown] tags=["predict"]
# **Predict.** Look at the labels of the pods in the diagram. How many ready endpoints will the Service have when its
# selector has both labels?

# %%
lab.predict("endpoints with env: canary", ..., choices=range(10))  # a number

# %% [markdown]
# A **patch** is a change that names only the fields to change; all others stay as they are. With kubectl this is
# `kubectl patch service nodeapp-svc -p '{"spec": {"selector": {"env": "canary"}}}'`.

# %%
lab.reset("02-production")
change = {"spec": {"selector": {"env": "canary"}}}
patched = lab.core.patch_namespaced_service("nodeapp-svc", lab.namespace, change)
patched.spec.selector

# %%
lab.diagram()

# %%
seen = len(lab.ready_endpoints("nodeapp-svc"))
lab.compare("endpoints with env: canary", seen, expected=0, why="no pod has both labels")

# %% [markdown]
# The API server accepted the change, and the pods still run. But visitors reach none of them: a selector that matches
# no pod is not an error. When a Service does not answer, first compare its selector with the labels of the pods.

# %% tags=["exercise"]
# Send a patch after which the Service selects `app: nodeapp` alone. In a patch, a field with the
# value `None` is removed.
# solution
change = {"spec": {"selector": {"env": None}}}
patched = lab.core.patch_namespaced_service("nodeapp-svc", lab.namespace, change)

# %% tags=["checkpoint"]
check(lab, "the Service finds production")

# %% [markdown]
# <details><summary>First hint</summary>
# The cell that added the label shows the whole call. Only the value of <code>env</code> has to be another one.
# </details>
#
# <details><summary>Second hint</summary>
# <code>{"env": "prod"}</code> would match the pods too, but the Service should select one label only. How do you remove
# a field?
# </details>
#
# <details><summary>Third hint</summary>
# Send the same patch with <code>None</code> as the value of <code>env</code>.
# </details>

# %% [markdown]
# Labels are how Kubernetes finds pods, and not only for Services: the ReplicaSet counts its pods by their labels too.
# `kubectl get pods --show-labels` lists them:
#
# ```sh
# kubectl get pods --show-labels
# kubectl get pods --selector app=nodeapp,env=prod
# ```

# %% [markdown]
# ## A running pod is not always ready
#
# A program needs time to start, and it can run without being able to work. So a running pod gets no request before it
# is ready. **Readiness** is the state of a pod that can answer requests.
#
# Kubernetes measures it with a **probe**: a small request to each pod, again and again. Find `readinessProbe` in
# `production.yaml`: one request a second, to `/readyz`.

# %% [markdown] tags=["predict"]
# **Predict.** Someone changes one line of `production.yaml` and applies it, so a Deployment with three ready pods has to
# replace them. The new pods start, but no new pod ever becomes ready. How many ready endpoints will the Service have?

# %%
lab.predict("ready endpoints after the change", ..., choices=range(10))  # a number

# %% [markdown]
# The cell waits five seconds for the change and then stops waiting, with a message that says how far the change is. The
# same in a terminal is `kubectl rollout status deployment/nodeapp-production --timeout=5s`.

# %% tags=["raises-exception"]
lab.reset("02-production")
lab.apply("manifests/02-production/changed/production.yaml")
lab.wait_ready("nodeapp-production", timeout_s=5)

# %%
lab.endpoints("nodeapp-svc")

# %%
seen = len(lab.ready_endpoints("nodeapp-svc"))
why = "no old pod is stopped before a new one is ready"
lab.compare("ready endpoints after the change", seen, expected=3, why=why)

# %% [markdown]
# The table has one more pod, and it is not ready. It gets no request, and the Deployment stops none of the old pods.
# Visitors do not notice the mistake.
#
# A pod whose image does not exist is not ready either. In `lab.pods()` its state is `ErrImagePull`, and after some
# attempts `ImagePullBackOff`.

# %% [markdown]
# ### Bug hunt: why is the pod not ready?
#
# The cluster notes what happens to each object as **events**. Find the pod with `0/1` in the column READY, and look at
# its events with `kubectl describe pod NAME`: they are the last lines. (A refused connection in the first second is
# usual: the program had not started yet.)
#
# ```sh
# kubectl get pods
# ```

# %% tags=["exercise"]
# Find the field that was changed. Correct it in the cluster with a patch of the Deployment (or
# in another way), and wait until its pods are ready.
# solution
probe = {"httpGet": {"path": "/readyz", "port": 3333}}
container = {"name": "nodeapp", "readinessProbe": probe}
change = {"spec": {"template": {"spec": {"containers": [container]}}}}
patched = lab.apps.patch_namespaced_deployment("nodeapp-production", lab.namespace, change)
lab.wait_ready("nodeapp-production")

# %% tags=["checkpoint"]
check(lab, "production is ready")

# %% [markdown]
# <details><summary>First hint</summary>
# The last event says that the readiness probe failed with the status 404: the program has no such path.
# </details>
#
# <details><summary>Second hint</summary>
# <code>lab.show</code> with <code>against</code>, as in the section about refusals, marks the line of
# <code>changed/production.yaml</code> that differs.
# </details>
#
# <details><summary>Third hint</summary>
# The field is in the first container: <code>readinessProbe.httpGet.path</code>. The patch needs the container's name
# too. <code>lab.apps.patch_namespaced_deployment</code> sends it; applying the first file again is also right.
# </details>

# %% [markdown]
# ## What you did
#
# You described production in a file, read a refusal and corrected what it named, and followed a request from one
# address to three pods. These were your predictions:

# %%
lab.predictions()

# %% [markdown]
# ## What we left out
#
# A real manifest also says how much memory and processor time a container may use. It usually has a second probe,
# after which a program that hangs is started again. A real cluster has several nodes and spreads the pods over them.
#
# **Next:** lesson 03, in which version 2.0 joins, and the Service is not changed at all.

# %% [markdown]
# The last cell deletes the pods and the Service. The cluster stays for the next lesson.

# %%
lab.close()
