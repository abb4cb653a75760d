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
# Behind a Service, the canary's share is the share of its pods. An Ingress can do more: it takes the share as a number,
# and it lets testers choose the canary for themselves. You will do both.
#
# You will need: the two images of lesson 01. About 35 minutes. Before this: lessons 03 and 06.
#
# After this you can
# - give a canary any share of the requests, with any number of pods;
# - send testers to it by header or by cookie, and say which rule wins;
# - find out why a canary Ingress gets no requests.

# %%
from canarylab import Lab, check

lab = Lab()
lab

# %% [markdown]
# ## A second Ingress for the canary
#
# Three pods of production and one canary run, as in lesson 03. Each version has a Service, and one Ingress sends every
# request for `foo.bar.com` to production.

# %%
lab.build()
lab.reset("03-canary")
lab.apply("manifests/07-weights/services.yaml")
lab.apply("manifests/07-weights/ingress.yaml")

# %% [markdown]
# Here is a second Ingress, for the canary. Marked lines differ from the first Ingress. It repeats host, path and
# `pathType`; together with the annotation `canary: "true"`, that makes it a **canary Ingress**: it takes requests from
# the rule that it repeats.

# %%
lab.show("manifests/07-weights/canary.yaml", against="manifests/07-weights/ingress.yaml")

# %% [markdown] tags=["predict"]
# **Predict.** One pod of the four runs version 2.0. Read the annotations once more. What share of the responses will
# come from version 2.0?

# %%
lab.predict("canary share through the Ingress", ...)  # from 0 to 1

# %%
lab.apply("manifests/07-weights/canary.yaml")
tenth = lab.sample_ingress(requests=1000)
lab.compare("canary share through the Ingress", tenth, why="the annotation says 10 of 100")

# %%
tenth.plot()

# %% [markdown]
# About a tenth. A **weight** is a share written as a number: here 10 of 100 requests. Now send requests to the same
# four pods through the Service of lesson 03, which has no weight:

# %%
lab.sample("nodeapp-svc", requests=400).plot()

# %% [markdown]
# About a quarter: a Service has no weight, and chooses one of the four pods. An Ingress first chooses a version by the
# weight, then one of its pods. It chooses again for each *request*, so even a browser that keeps its connection open
# sees both versions.

# %%
lab.diagram()

# %% [markdown]
# In a terminal, the last command shows which version answers. Run it several times:
#
# ```sh
# kubectl apply -f manifests/07-weights/services.yaml
# kubectl apply -f manifests/07-weights/ingress.yaml -f manifests/07-weights/canary.yaml
# curl -s -H "Host: foo.bar.com" "$(canarylab url ingress-prod)/"
# ```

# %% [markdown]
# ## Change the share
#
# The weight is one annotation. The official Python client can change it: `patch_namespaced_ingress` takes the name, the
# namespace, and only the fields that change. No pod starts and no pod ends.

# %%
lab.reset("03-canary")
for name in ("services", "ingress", "canary"):
    lab.apply(f"manifests/07-weights/{name}.yaml")

half = {"metadata": {"annotations": {"nginx.ingress.kubernetes.io/canary-weight": "50"}}}
changed = lab.networking.patch_namespaced_ingress("ingress-canary", lab.namespace, half)

found = lab.networking.read_namespaced_ingress("ingress-canary", lab.namespace)
found.metadata.annotations["nginx.ingress.kubernetes.io/canary-weight"]

# %% [markdown]
# `lab.set_weight(50)` writes the same annotation, and then waits until the controller has read it. With kubectl:
#
# ```sh
# kubectl annotate --overwrite ingress ingress-canary nginx.ingress.kubernetes.io/canary-weight=50
# ```

# %% tags=["exercise"]
# Give the canary the share that it had behind the Service, and look at 400 requests.
# solution
lab.set_weight(25)
lab.sample_ingress(requests=400).plot()

# %% [markdown]
# <details><summary>First hint</summary>
# Behind the Service, one pod of four was the canary.
# </details>
#
# <details><summary>Second hint</summary>
# A weight counts requests out of 100.
# </details>
#
# <details><summary>Third hint</summary>
# Call <code>lab.set_weight</code> with that number, then <code>lab.sample_ingress(requests=400).plot()</code>.
# </details>

# %% tags=["checkpoint"]
check(lab, "a quarter goes to the canary")

# %% [markdown]
# The same as a slider. Choose a weight with the mouse or the arrow keys; Apply sets it and sends requests. Below is the
# kubectl command. Try 0 and 100 as well: there the result is certain.

# %%
lab.weight_slider()

# %% [markdown]
# ### One percent without a hundred pods
#
# With pods alone, a share of 1 % needs 99 pods of production beside one canary. With a weight, you write 1. But how
# well can you measure so small a share?

# %% [markdown] tags=["predict"]
# **Predict.** The true share is 1 %. You want an interval that reaches half a percentage point to each side, so from
# 0.5 % to 1.5 %. How many requests does that take?

# %%
lab.predict("requests for an interval of 0.5 % to 1.5 %", ...)  # a whole number

# %%
from canarylab import stats

needed = stats.requests_needed(0.01, 0.005)
why = "p × (1 - p) × (1.96 / 0.005)², with p = 0.01"
lab.compare("requests for an interval of 0.5 % to 1.5 %", needed, expected=needed, why=why)

# %%
lab.set_weight(1)
hundredth = lab.sample_ingress(requests=1600)
hundredth.plot()

# %% [markdown]
# Look at the numbers in the picture: of 1,600 requests, the canary should answer about 16. Anything from 9 to 23 is as
# expected. So a small share is careful, but slow: the fewer visitors a canary has, the longer it takes to find out
# whether it works.

# %% [markdown]
# ## Let testers choose
#
# A weight chooses visitors by chance. With a header or a cookie, testers choose for themselves. A **header** is a named line of a
# request. A **cookie** is a header that the browser stores for a site and sends with each request. Here, the names are
# `X-Canary` and `tester`.

# %%
lab.reset("03-canary")
for name in ("services", "ingress", "canary"):
    lab.apply(f"manifests/07-weights/{name}.yaml")

lab.get("/", headers={"X-Canary": "always"})

# %% [markdown]
# `always` sends a request to the canary, `never` sends it to production. The weight of 10 no longer matters. In a
# terminal:
#
# ```sh
# curl -s -H "Host: foo.bar.com" -H "X-Canary: always" "$(canarylab url ingress-prod)/"
# curl -s -H "Host: foo.bar.com" --cookie "tester=always" "$(canarylab url ingress-prod)/"
# ```

# %% tags=["checkpoint"]
testers = lab.sample_ingress(requests=100, headers={"X-Canary": "always"})
check(lab, "only the new version answers", testers)

# %% [markdown] tags=["predict"]
# **Predict.** A request has both: its header says `never`, its cookie says `always`. The weight is 10. What share of such
# requests does the canary answer?

# %%
lab.predict("canary share with never and always", ...)  # from 0 to 1

# %%
both = {"headers": {"X-Canary": "never"}, "cookies": {"tester": "always"}}
sample = lab.sample_ingress(requests=100, **both)
lab.compare("canary share with never and always", sample, why="the header comes before the cookie")

# %%
lab.explain_route("/", **both)

# %% [markdown]
# `lab.explain_route` sends nothing: it reads the Ingresses and applies the rules of ingress-nginx. First comes the
# header, then the cookie, then the weight. The first of them that matches wins. A header or a cookie matches only with
# the value `always` or `never`; with any other value it is ignored.

# %% [markdown]
# ### A word that only testers know
#
# Anyone can send `always`. The annotation `canary-by-header-value` names another word, and only that word then leads to
# the canary. With any other word, `always` included, the header is ignored: the cookie comes next, then the weight.

# %% tags=["exercise"]
# Let only those choose the canary whose header X-Canary says yellow.
manifest = lab.read("manifests/07-weights/canary.yaml")
annotations = manifest["metadata"]["annotations"]
# solution
annotations["nginx.ingress.kubernetes.io/canary-by-header-value"] = "yellow"
lab.apply(manifest)

# %% [markdown]
# <details><summary>First hint</summary>
# The names of all these annotations begin with <code>nginx.ingress.kubernetes.io/</code>.
# </details>
#
# <details><summary>Second hint</summary>
# Set one more annotation in the dictionary, then call <code>lab.apply(manifest)</code>.
# </details>
#
# <details><summary>Third hint</summary>
# <code>manifests/07-weights/canary-by-value.yaml</code> is the whole file;
# <code>lab.show</code> shows it.
# </details>

# %% tags=["checkpoint"]
check(lab, "yellow testers reach the canary")

# %% [markdown]
# ### Does a visitor stay with one version?
#
# A tester does, because the browser sends the cookie each time. For Ann, an ordinary visitor, the weight chooses a
# version for each request. A **sticky** session stays with the pod, and so with the version, that it met first. The
# annotation `affinity: cookie` makes it so. It stands in the Ingress of production, and counts for the canary too.

# %% [markdown]
# In the next cell, Ann meets the canary once. The controller sets a cookie with that response, and her browser sends it from now
# on. Then the weight becomes 0. Which version answers her next 200 requests?

# %%
sticky = lab.read("manifests/07-weights/ingress.yaml")
sticky["metadata"]["annotations"] = {"nginx.ingress.kubernetes.io/affinity": "cookie"}
lab.apply("manifests/07-weights/canary.yaml")
lab.apply(sticky)

ann = lab.get("/", headers={"X-Canary": "always"})
print(ann.headers.get("Set-Cookie"))
lab.set_weight(0)
lab.sample_ingress(requests=200, cookies=ann.cookies).by_version

# %% [markdown]
# Still version 2.0, at a weight of 0. This cookie comes first: header, `canary-by-cookie` and weight choose only for *new*
# visitors. So a weight of 0 keeps new visitors away; Ann stays until the canary's Ingress is deleted or its pods are
# gone. With kubectl:
#
# ```sh
# kubectl annotate --overwrite ingress ingress-prod nginx.ingress.kubernetes.io/affinity=cookie
# ```

# %% [markdown]
# ## A canary without pods
#
# Now the weight stays at 10, and the canary Deployment is scaled to 0: no pod is left behind its Service.

# %% [markdown] tags=["predict"]
# **Predict.** Of 400 requests, how many will fail?

# %%
lab.predict("failed requests of 400", ..., choices=range(401))  # a whole number

# %%
lab.reset("03-canary")
for name in ("services", "ingress", "canary"):
    lab.apply(f"manifests/07-weights/{name}.yaml")

lab.scale("nodeapp-canary", 0)
alone = lab.sample_ingress(requests=400)
why = "a canary without ready pods is ignored"
lab.compare("failed requests of 400", alone.failed, expected=0, why=why)

# %% [markdown]
# ingress-nginx ignores a canary that has no ready pod. So a canary that crashes at its start costs no visitor anything.
# A canary that runs and gives wrong responses is not ignored. With kubectl:
#
# ```sh
# kubectl scale deployment nodeapp-canary --replicas=0
# ```

# %% [markdown]
# ## Find the mistake
#
# A colleague has tidied up the canary Ingress. The API server accepted it without a warning, and now the canary gets no
# requests.

# %%
lab.reset("03-canary")
lab.apply("manifests/07-weights/services.yaml")
lab.apply("manifests/07-weights/ingress.yaml")
tidied = lab.read("manifests/07-weights/canary.yaml")
tidied["spec"]["rules"][0]["http"]["paths"][0]["pathType"] = "Exact"
lab.apply(tidied)
lab.explain_route("/")

# %% tags=["exercise"]
# Correct `tidied`, and apply it. `lab.show` shows the Ingress that it should repeat.
# solution
tidied["spec"]["rules"][0]["http"]["paths"][0]["pathType"] = "Prefix"
lab.apply(tidied)

# %% [markdown]
# <details><summary>First hint</summary>
# The sentences of <code>lab.explain_route</code> name no canary: this one belongs to no rule.
# </details>
#
# <details><summary>Second hint</summary>
# A canary Ingress repeats three things of the rule from which it takes requests. Which of the three differs?
# </details>
#
# <details><summary>Third hint</summary>
# For an Ingress, Exact and Prefix are two rules, even with the same path.
# </details>

# %% tags=["checkpoint"]
check(lab, "the canary belongs to production")

# %% [markdown]
# Nothing was refused: a canary Ingress that belongs to no rule is a valid object. On the playground a warning named
# NoPrimary says what is missing. Other controllers write it to their log, or nowhere.
#
# ```sh
# kubectl describe ingress ingress-canary
# ```

# %% [markdown]
# ## What you did
#
# You gave a canary a tenth, a quarter and a hundredth of the requests with one pod, let testers choose it and said which
# rule wins, and found out why a canary got no requests. These were your predictions:

# %%
lab.predictions()

# %% [markdown]
# ## What we left out
#
# A share of requests is not a share of people. To compare versions by what people *do*, each of them has to stay with
# one version, as Ann did. And a header or a cookie protects nothing: anyone who learns the word can use it.
#
# **Next:** lesson 08, which writes the same split as fields of the Gateway API, and copies requests to a canary.

# %% [markdown]
# The last cell deletes the pods, the Services and the Ingresses. The cluster itself keeps running.

# %%
lab.close()
