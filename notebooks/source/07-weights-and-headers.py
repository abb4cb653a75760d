# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Weights and headers: a share that does not depend on pods
#
# Behind a Service, a canary's share is the share of its pods. You will put an Ingress in front, which takes a number
# instead, and which can let testers in by name.
#
# You will need: lessons 3 and 6. About 25 minutes. Before this: lesson 6.
#
# After this you can
# - give a canary any share of the requests, whatever the number of its pods;
# - send testers to it by header or by cookie, and say which rule wins;
# - write the same split for the Gateway API, and copy traffic to a canary that nobody sees.

# %%
from canarylab import Lab, check

lab = Lab()
lab

# %% [markdown]
# ## Ten percent with one pod of four
#
# This section starts from three pods of production and one canary, each version with a Service of its own. One
# Ingress sends everything for `foo.bar.com` to production.

# %%
lab.build()
lab.reset("03-canary")
lab.apply("manifests/07-weights/services.yaml")
lab.apply("manifests/07-weights/ingress.yaml")

# %% [markdown]
# Here is the second Ingress, the canary's. The marked lines differ from the first. Which of them say how much, and
# which say who?

# %%
lab.show("manifests/07-weights/canary.yaml", against="manifests/07-weights/ingress.yaml")

# %% [markdown]
# It repeats the host, the path and the pathType of the first one. That, and the annotation `canary: "true"`, makes it
# a canary of that rule and not a rule of its own.

# %% [markdown] tags=["predict"]
# **Predict.** One pod of the four is a canary, and the weight is 10. What share of the requests will version 2.0
# answer, from 0 to 1?

# %%
lab.predict("canary share at weight 10", 0.25)

# %%
lab.apply("manifests/07-weights/canary.yaml")
tenth = lab.sample_ingress(requests=1000)
lab.compare("canary share at weight 10", tenth.share("2.0"))

# %%
tenth.plot()

# %% [markdown]
# About a tenth. Now the same four pods through the Service of lesson 3, which knows nothing of weights:

# %%
by_pods = lab.sample("nodeapp-svc", requests=400)
by_pods.plot()

# %% [markdown]
# About a quarter: there the pods decide, here the weight. The Ingress first draws a version and then one of its pods.
# It draws for each *request*, so even a browser that keeps its connection open sees both versions.
#
# ```
# kubectl apply -f manifests/07-weights/services.yaml
# kubectl apply -f manifests/07-weights/ingress.yaml -f manifests/07-weights/canary.yaml
# ```

# %% tags=["checkpoint"]
check(lab, "the canary answers as expected", tenth)

# %% [markdown]
# ## Turn the knob
#
# `lab.set_weight(50)` writes one annotation. No pod starts and no pod ends. With kubectl:
#
# ```
# kubectl annotate --overwrite ingress ingress-canary nginx.ingress.kubernetes.io/canary-weight=50
# ```

# %% tags=["exercise"]
# Give the canary the share that it had behind the Service, a quarter, and measure with 400 visits.
lab.apply("manifests/07-weights/canary.yaml")
# solution
lab.set_weight(25)
lab.sample_ingress(requests=400).plot()

# %% tags=["checkpoint"]
check(lab, "a quarter goes to the canary")

# %% [markdown]
# The same knob as a slider, with the traffic that follows and the kubectl command beside it. Try 0, and try 100: at
# both ends no chance is left.

# %%
weights = lab.weight_slider()
weights

# %% [markdown]
# ## One percent without a hundred pods
#
# By pods, a share of one percent takes ninety-nine of production and one canary. By weight it takes the number 1. But
# can you *see* one percent?

# %% [markdown] tags=["predict"]
# **Predict.** The true share is 1 %. How many requests do you need, so that what you see is within half a percentage
# point of it, nineteen times of twenty?

# %%
lab.predict("requests to see 1 %", 200)

# %%
from canarylab import stats

lab.compare("requests to see 1 %", stats.requests_needed(0.01, 0.005))

# %%
weights.close()
lab.set_weight(1)
hundredth = lab.sample_ingress(requests=1600)
hundredth.plot()

# %% [markdown]
# Sixteen hits are to be expected, and nine or two dozen would be no surprise. That is the price of a careful start:
# the fewer visitors a canary gets, the longer you wait until you know anything about it.

# %% [markdown]
# ## Let the testers in
#
# Chance picks visitors who never asked. The other two annotations let people choose: the header `X-Canary` and the
# cookie `tester`, each with the value `always` or `never`.

# %%
lab.apply("manifests/07-weights/canary.yaml")
lab.get("/", headers={"X-Canary": "always"})

# %%
testers = lab.sample_ingress(requests=100, headers={"X-Canary": "always"})
others = lab.sample_ingress(requests=100, headers={"X-Canary": "never"})
testers.by_version, others.by_version

# %% [markdown]
# No chance is left, either way. In a terminal, with the address that a sample names:
#
# ```
# curl -i -H 'Host: foo.bar.com' -H 'X-Canary: always' http://127.0.0.1:8080/
# curl -i -H 'Host: foo.bar.com' --cookie tester=always http://127.0.0.1:8080/
# ```

# %% [markdown] tags=["predict"]
# **Predict.** Somebody sends both: the header says `never`, the cookie says `always`, and the weight is 10. Which
# version answers: 1.0, 2.0, or now one and now the other?

# %%
lab.predict("header never, cookie always", "2.0")

# %%
both = {"headers": {"X-Canary": "never"}, "cookies": {"tester": "always"}}
lab.compare("header never, cookie always", lab.get("/", **both).headers["X-Version"])

# %%
lab.explain_route("/", **both)

# %% [markdown]
# `lab.explain_route` sends nothing: it reads the Ingresses and says where such a request would go, by the rules of
# ingress-nginx. The header is asked first, then the cookie, then the weight. Whoever decides first has decided; any
# value other than `always` and `never` decides nothing.

# %% tags=["checkpoint"]
check(lab, "only the new version answers", testers)

# %% [markdown]
# Anybody can write `always`. With `canary-by-header-value` the header has to say one particular word instead, and
# then `always` is a word like any other. A wrong word decides nothing: the cookie is asked, then the weight. (With
# kubectl it is one more annotation, set as you set the weight.)

# %% tags=["exercise"]
# Let in only those whose header X-Canary says yellow. The annotations are in the dictionary below.
manifest = lab.read("manifests/07-weights/canary.yaml")
annotations = manifest["metadata"]["annotations"]
# solution
annotations["nginx.ingress.kubernetes.io/canary-by-header-value"] = "yellow"
lab.apply(manifest)

# %% [markdown]
# <details><summary>First hint</summary>
# All names begin with <code>nginx.ingress.kubernetes.io/</code>.
# </details>
#
# <details><summary>Second hint</summary>
# Set one more annotation, then call <code>lab.apply(manifest)</code>.
# </details>
#
# <details><summary>Third hint</summary>
# <code>manifests/07-weights/canary-by-value.yaml</code> is the whole file;
# <code>lab.show</code> shows it.
# </details>

# %% tags=["checkpoint"]
check(lab, "yellow testers reach the canary")

# %% [markdown]
# ## Does a visitor stay with a version?
#
# A tester does: the browser sends the cookie along every time. What about an ordinary visitor, whose cookies say
# nothing about canaries?

# %%
lab.apply("manifests/07-weights/canary.yaml")
tester = lab.sample_ingress(requests=200, cookies={"tester": "always"})
ann = lab.sample_ingress(requests=200, cookies={"visitor": "ann"})
tester.by_version, ann.by_version

# %% [markdown]
# Ann is one visitor, and the weight drew for each of her requests anew. Nobody *set* a cookie for her: `canary-by-cookie`
# only reads one. Staying with what one was given is called **sticky**.
#
# ingress-nginx has other annotations for that: `affinity: cookie` sets a cookie that pins a visitor, to the canary
# too. The playground does not read them.

# %% [markdown]
# ## A canary with nobody in it
#
# The weight stays at 10, and the canary goes home: no pod is left behind its Service.

# %% [markdown] tags=["predict"]
# **Predict.** What breaks? Of 400 requests, how many will fail?

# %%
lab.predict("failed of 400, no canary pod", 40)

# %%
lab.apply("manifests/07-weights/canary.yaml")
lab.scale("nodeapp-canary", 0)
alone = lab.sample_ingress(requests=400)
lab.compare("failed of 400, no canary pod", alone.failed)

# %%
lab.explain_route("/")

# %% [markdown]
# ingress-nginx ignores a canary that has no ready endpoints, so a canary that crashes at its start costs nobody
# anything. One that runs and answers nonsense is not ignored. With kubectl:
# `kubectl scale deployment nodeapp-canary --replicas=0`.

# %% [markdown]
# ## A bug hunt: the canary that gets nothing
#
# Somebody tidied the canary Ingress up. The cluster took it without a word, and the canary's share is gone.

# %%
lab.scale("nodeapp-canary", 1)
tidied = lab.read("manifests/07-weights/canary.yaml")
tidied["spec"]["rules"][0]["http"]["paths"][0]["pathType"] = "Exact"
lab.apply(tidied)
lab.explain_route("/")

# %% tags=["exercise"]
# Correct `tidied`, and apply it. Compare it with the first Ingress, which has not changed.
# solution
tidied["spec"]["rules"][0]["http"]["paths"][0]["pathType"] = "Prefix"
lab.apply(tidied)

# %% [markdown]
# <details><summary>First hint</summary>
# The words of <code>lab.explain_route</code> name no canary at all: this one belongs to no rule.
# </details>
#
# <details><summary>Second hint</summary>
# A canary repeats three things of the rule whose share it takes. Which of the three differs?
# </details>
#
# <details><summary>Third hint</summary>
# Exact and Prefix are two rules, even for the same path.
# </details>

# %% tags=["checkpoint"]
check(lab, "the canary belongs to production")

# %% [markdown]
# Nothing was refused, for a canary of nothing is a valid Ingress. On the playground `kubectl describe ingress
# ingress-canary` shows a warning, NoPrimary, that says what is missing; other controllers have such words in their
# log, if at all.

# %% [markdown]
# ## The same as fields: the Gateway API
#
# Annotations are text that each controller reads in its own way, and ingress-nginx, whose annotations these are, was
# retired in March 2026. The **Gateway API** has weights and headers as fields.

# %% [markdown]
# A Gateway is equipment: whoever runs the cluster makes it. Where you are a guest, the next cell is refused, as it
# should be. Where there is no Gateway API at all, so is every cell that needs it, down to the mirror.

# %% tags=["raises-exception"]
lab.apply("manifests/07-weights/gateway.yaml")

# %%
lab.show("manifests/07-weights/httproute.yaml")

# %% [markdown]
# The rule that names a header goes first; the other one splits. Weights are parts of their sum, so 9 and 1 would do
# the same. With kubectl: `kubectl apply -f manifests/07-weights/httproute.yaml`, then `kubectl get httproutes`.

# %% tags=["raises-exception"]
lab.apply("manifests/07-weights/httproute.yaml")
lab.wait_accepted("nodeapp-split")

# %% tags=["raises-exception"]
lab.sample_httproute("nodeapp-split", requests=400).plot()

# %% [markdown]
# If the sentence above names a controller, the split is the one you know. If it says that nobody serves the route,
# then nobody answers for its host either: the API server keeps the route, and that is all.

# %% tags=["exercise", "raises-exception"]
# Give both versions half of the requests, apply the route again, and look.
route = lab.read("manifests/07-weights/httproute.yaml")
prod, canary = route["spec"]["rules"][1]["backendRefs"]
# solution
prod["weight"], canary["weight"] = 1, 1
lab.apply(route)
lab.wait_accepted("nodeapp-split")
lab.sample_httproute("nodeapp-split", requests=400).plot()

# %% [markdown]
# ## A canary that nobody sees
#
# A route has a field for one thing more: a **mirror**. Production answers everybody, and the canary gets a copy of each
# request. (ingress-nginx has an annotation for it, `mirror-target`, which the playground does not read.)

# %%
lab.show("manifests/07-weights/mirror.yaml")

# %% tags=["raises-exception"]
lab.apply("manifests/07-weights/mirror.yaml")
lab.wait_accepted("nodeapp-split")

# %% tags=["raises-exception"]
lab.sample_httproute("nodeapp-split", requests=200)

# %% [markdown]
# Not one answer is the canary's: those are dropped, and only its own logs and metrics know of them. Mind what you
# copy. An order that is mirrored is an order that is placed twice.

# %% [markdown]
# ## When is this not enough?
#
# - **Istio** and **Linkerd** split traffic between programs *inside* a cluster, where no Ingress stands; take one if
#   you need that, for it is a system to run of its own.
# - **Argo Rollouts** puts a Rollout in the place of your Deployment, and moves the weight step by step while the
#   metrics allow it.
# - **Flagger** does so beside an ordinary Deployment, of which it keeps a primary copy.

# %% [markdown]
# ## What you did
#
# You gave a canary a tenth, a quarter and a hundredth with one pod, sent testers to it and said which rule wins, and
# wrote the split down for the Gateway API. These were your predictions:

# %%
lab.predictions()

# %% [markdown]
# ## What we left out
#
# A share of requests is not a share of people. To compare versions by what people *do*, each of them has to stay with one.
# And a Gateway that you made here stays; `kubectl delete gateway canarylab` takes it away.
#
# **Next:** lesson 8, where a judge decides whether version 2.0 is worse.

# %% [markdown]
# The last cell takes away the pods, the Services, the Ingresses and the route. The cluster itself stays.

# %%
lab.close()
