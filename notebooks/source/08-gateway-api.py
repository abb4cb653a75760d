# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The Gateway API: the same split as fields
#
# Annotations are text, and each controller reads them in its own way. The Gateway API has fields for weights and
# headers, and one thing more: it can copy requests to a canary whose responses nobody sees.
#
# You will need: the two images of lesson 01. About 25 minutes. Before this: lesson 07.
#
# After this you can
# - split requests with an HTTPRoute, by weight and by header;
# - read in its status what is wrong with a route;
# - mirror requests to a canary, and see the copies arrive.

# %%
from canarylab import Lab, check

lab = Lab()
lab

# %% [markdown]
# ## One route instead of two Ingresses
#
# The **Gateway API** is an addition to Kubernetes, with kinds of its own. A **Gateway** is an entrance for requests:
# whoever runs the cluster creates it, once. A **GatewayClass** names the controller that serves it. An **HTTPRoute**
# says which requests go to which Services: that part is yours.

# %%
lab.build()
lab.reset("03-canary")
lab.apply("manifests/06-ingress/services.yaml")
lab.apply("manifests/08-gateway-api/gateway.yaml")

# %% [markdown]
# If the sentence above says that the Gateway is not created, read it now: it says what works on your cluster. Without a
# controller, the cells below send no requests and say so.

# %%
lab.show("manifests/08-gateway-api/httproute.yaml")

# %%
lab.apply("manifests/08-gateway-api/httproute.yaml")
lab.wait_accepted("nodeapp-split")

# %%
lab.sample_httproute("nodeapp-split", requests=400).plot()

# %% [markdown]
# One object does what took two Ingresses in lesson 07. Its `parentRefs` name the Gateway, and the controller writes into
# its **status** whether it serves the route. In a terminal:
#
# ```sh
# kubectl apply -f manifests/08-gateway-api/gateway.yaml -f manifests/08-gateway-api/httproute.yaml
# kubectl get gateways,httproutes
# ```

# %%
lab.diagram()

# %% [markdown] tags=["predict"]
# ### Does the order of the rules matter?
#
# The rule for `X-Canary: always` comes first in the file. The next cell puts it last, after the rule for all requests.
#
# **Predict.** What share of the requests with that header does the canary then answer?

# %%
lab.predict("canary share of testers", ...)  # from 0 to 1

# %%
route = lab.read("manifests/08-gateway-api/httproute.yaml")
route["spec"]["rules"].reverse()
lab.apply(route)
lab.wait_accepted("nodeapp-split")
testers = lab.sample_httproute("nodeapp-split", requests=100, headers={"X-Canary": "always"})
lab.compare("canary share of testers", testers, why="the more specific rule wins")

# %% [markdown]
# A rule that requires a header is more specific than a rule for all requests, so it wins at any place in the file. For
# an Ingress, each controller has an order of its own. The Gateway API writes the order down, the same for all.

# %% [markdown]
# ## Weights that do not add up to 100

# %% [markdown] tags=["predict"]
# Here production has weight 90 and the canary 10. Now the canary gets 30, and production keeps its 90.
#
# **Predict.** What share of the responses comes from version 2.0?

# %%
lab.predict("canary share at 90 and 30", ...)  # from 0 to 1

# %%
lab.reset("03-canary")
lab.apply("manifests/06-ingress/services.yaml")
lab.apply("manifests/08-gateway-api/gateway.yaml")
route = lab.read("manifests/08-gateway-api/httproute.yaml")
production, canary = route["spec"]["rules"][1]["backendRefs"]
canary["weight"] = 30
lab.apply(route)
lab.wait_accepted("nodeapp-split")
sample = lab.sample_httproute("nodeapp-split", requests=400)
lab.compare("canary share at 90 and 30", sample, why="30 of 90 + 30")

# %% [markdown]
# In an HTTPRoute, a weight is a part of the sum of all weights of its rule. In an Ingress of lesson 07, it was a part of
# 100.

# %% tags=["exercise"]
# Give both versions half of the requests: change the weights in `production` and `canary`,
# and apply the route.
# solution
production["weight"], canary["weight"] = 1, 1
lab.apply(route)

# %% [markdown]
# <details><summary>First hint</summary>
# Only the ratio of the two weights matters.
# </details>
#
# <details><summary>Second hint</summary>
# <code>production</code> and <code>canary</code> are dictionaries inside <code>route</code>. Set
# <code>["weight"]</code> in each.
# </details>
#
# <details><summary>Third hint</summary>
# Two equal numbers are half and half. Then call <code>lab.apply(route)</code>.
# </details>

# %% tags=["checkpoint"]
check(lab, "half goes to the canary")

# %% [markdown]
# ## Find the mistake
#
# This route names a Service wrongly. The API server does not check names, so it accepts the route.

# %% [markdown] tags=["predict"]
# Half of the requests should go to a Service that does not exist. The other half should go to production.
#
# **Predict.** How many of 400 requests will fail?

# %%
lab.predict("failed requests of 400", ..., choices=range(401))  # a whole number

# %%
lab.reset("03-canary")
lab.apply("manifests/06-ingress/services.yaml")
lab.apply("manifests/08-gateway-api/gateway.yaml")
broken = lab.read("manifests/08-gateway-api/httproute.yaml")
production, canary = broken["spec"]["rules"][1]["backendRefs"]
production["weight"], canary["weight"], canary["name"] = 50, 50, "nodeapp-svc-canery"
lab.apply(broken)
lab.wait_accepted("nodeapp-split")

# %%
sample = lab.sample_httproute("nodeapp-split", requests=400)
lab.compare("failed requests of 400", sample.failed, expected=200, why="its weight still counts")

# %% [markdown]
# The share of a backend that does not exist fails with status 500. Compare with lesson 07, where an Ingress ignored a
# canary without pods: here, a broken canary costs its share of the visitors. A **condition** is one entry of a status.
# The condition `ResolvedRefs` says whether every backend was found:
#
# ```sh
# kubectl get httproute nodeapp-split -o jsonpath="{.status.parents[0].conditions}"
# ```

# %% tags=["exercise"]
# Correct the name in `canary`, and apply `broken` again.
# solution
canary["name"] = "nodeapp-svc-canary"
lab.apply(broken)

# %% [markdown]
# <details><summary>First hint</summary>
# <code>kubectl get services</code> lists the Services that exist.
# </details>
#
# <details><summary>Second hint</summary>
# Compare each letter of <code>canary["name"]</code> with that list.
# </details>
#
# <details><summary>Third hint</summary>
# Set <code>canary["name"]</code>, then call <code>lab.apply(broken)</code>.
# </details>

# %% tags=["checkpoint"]
check(lab, "the route finds its Services")

# %% [markdown]
# ## Mirroring: test without users seeing it
#
# A **mirror** is a backend that gets a copy of each request. Its responses are dropped, so visitors see production only.
# To see the copies arrive, let the canary write down each request.

# %%
lab.reset("03-canary")
lab.apply("manifests/06-ingress/services.yaml")
lab.apply("manifests/08-gateway-api/gateway.yaml")
lab.show("manifests/08-gateway-api/mirror.yaml")

# %% [markdown]
# The app reads the **environment variable** `LOG_REQUESTS`, a setting that a program gets at its start. With the value
# 1 it writes one line for each request. The official client sets it here, and Kubernetes replaces the canary's pod:

# %%
container = {"name": "nodeapp", "env": [{"name": "LOG_REQUESTS", "value": "1"}]}
change = {"spec": {"template": {"spec": {"containers": [container]}}}}
changed = lab.apps.patch_namespaced_deployment("nodeapp-canary", lab.namespace, change)
lab.wait_ready("nodeapp-canary")

# %% [markdown]
# Next, 200 visitors send a request each.

# %%
lab.apply("manifests/08-gateway-api/mirror.yaml")
lab.wait_accepted("nodeapp-split")
lab.sample_httproute("nodeapp-split", requests=200).plot()

# %%
pod = lab.ready_endpoints("nodeapp-svc-canary")[0].pod
log = lab.core.read_namespaced_pod_log(pod, lab.namespace)
lines = [line for line in log.splitlines() if " GET " in line]
print(*lines[-3:], sep="\n")
len(lines)

# %% [markdown]
# Production answered every visitor, and the canary received the same 200 requests. (If you run the two cells again,
# there are 200 lines more.) In a terminal:
#
# ```sh
# kubectl logs deployment/nodeapp-canary --tail=3
# ```

# %% tags=["checkpoint"]
check(lab, "the canary gets a copy of each request")

# %% [markdown] tags=["predict"]
# Now the canary is scaled to 0, and the mirror stays in the route. No pod is there to receive the copies.
#
# **Predict.** How many of 200 requests will fail?

# %%
lab.predict("failed requests of 200", ..., choices=range(201))  # a whole number

# %%
lab.scale("nodeapp-canary", 0)
sample = lab.sample_httproute("nodeapp-split", requests=200)
lab.compare("failed requests of 200", sample.failed, expected=0, why="only copies are lost")

# %% [markdown]
# Before you mirror anything, ask what a request *does*. A mirrored order is placed twice. So mirrors are for requests
# that only read, or for a canary with a database of its own.

# %% [markdown]
# ## What you did
#
# You split requests with an HTTPRoute, found a mistake in its status, and saw the copies of 200 requests arrive at a
# canary that answered no visitor. These were your predictions:

# %%
lab.predictions()

# %% [markdown]
# ## What we left out
#
# - **Istio** and **Linkerd** split requests between programs *inside* a cluster, where no Ingress and no Gateway is.
# - **Argo Rollouts** takes the place of your Deployment, and raises the weight step by step while measurements are good.
# - **Flagger** does that beside an ordinary Deployment.
#
# To try this on a cluster of your own, see `docs/kind.md`.
#
# **Next:** lesson 09, in which a judge finds out whether version 2.0 is worse.

# %% [markdown]
# The last cell deletes the pods, the Services and the route. The cluster itself keeps running. A Gateway that you
# created stays, because others may use it. To delete it:
#
# ```sh
# kubectl delete gateway canarylab --ignore-not-found
# ```

# %%
lab.close()
