# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A preview address for the canary
#
# Until now the canary met visitors by chance. Testers want to meet it on purpose, before any visitor does. You will
# give it an address of its own with an Ingress, and find out what that address catches besides.
#
# You will need: lesson 3. About 25 minutes. Before this: lesson 3.
#
# After this you can
# - lead requests to one version or the other by host and path;
# - say which rule takes a request, and what path arrives at the pod;
# - switch all visitors to the new version, and back.

# %%
from canarylab import Lab, check

lab = Lab()
lab

# %% [markdown]
# ## One door, two addresses
#
# This section starts with three pods of production and one canary. Two Services and one Ingress are added. (Where nobody
# serves Ingresses yet, as on a new kind cluster, the first one brings somebody along. That may take a minute.)

# %%
lab.build()
lab.reset("03-canary")

# %%
lab.apply("manifests/06-ingress/services.yaml")
lab.apply("manifests/06-ingress/ingress.yaml")

# %%
lab.get("/")

# %%
lab.get("/canary")

# %% [markdown]
# One address, two versions, and the path decides. The host is `foo.bar.com`, which really is somebody's domain. So
# nobody looks it up: the request goes to your cluster, and the name only stands in the header `Host`. In a
# terminal:
#
# ```
# kubectl apply -f manifests/06-ingress/services.yaml
# kubectl apply -f manifests/06-ingress/ingress.yaml
# curl -i -H "Host: foo.bar.com" http://127.0.0.1:8080/
# curl -i -H "Host: foo.bar.com" http://127.0.0.1:8080/canary
# ```
#
# (Your address may be another one. The explorer further down shows the command with yours.)

# %% [markdown]
# ## What do the files say?
#
# First the Services. Lesson 3 had one for both versions. Look for the label that keeps these two apart.

# %%
lab.show("manifests/06-ingress/services.yaml")

# %%
lab.endpoints("nodeapp-svc-canary")

# %% [markdown]
# One pod. Neither Service asks for a port on the node, because only the Ingress has to be reached from outside.
# `nodeapp-svc` is still there, and whoever uses its address notices nothing. Deleting it first would cut them off.

# %% tags=["checkpoint"]
check(lab, "each version has a Service of its own")

# %% [markdown]
# Now the Ingress. A file alone moves nothing: a program in the cluster, the **ingress controller**, reads it and acts.
# `ingressClassName` says which one is meant.

# %%
lab.show("manifests/06-ingress/ingress.yaml")

# %% [markdown]
# `kubectl describe ingress ingress-prod-canary` shows the same in short, with the pods behind each path:
#
# ```
# Default backend:  nodeapp-svc-prod:80 (three addresses)
# Rules:
#   Host         Path      Backends
#   ----         ----      --------
#   foo.bar.com
#                /         nodeapp-svc-prod:80 (three addresses)
#                /canary   nodeapp-svc-canary:80 (one address)
# Annotations:   nginx.ingress.kubernetes.io/rewrite-target: /
# ```
#
# On the playground an event `Sync` stands below: the controller says that it has read the file.

# %% [markdown]
# ## Is this a canary release already?
#
# Both versions answer at one host, from the same four pods as in lesson 3.

# %% [markdown] tags=["predict"]
# **Predict.** One pod of the four is a canary. A hundred visitors ask for `/`. What share of them will
# version 2.0 answer?

# %%
lab.predict("canary share at /", 0.25)

# %%
sample = lab.sample_ingress("/", requests=100)
lab.compare("canary share at /", sample.share("2.0"))

# %% [markdown]
# None of them. The path decides, and the number of pods has no say in it. This is a *preview*, not yet a canary release:
# testers see the new version, and no visitor does. It finds what a tester can find. What only many visitors find, it
# does not. Lesson 7 lets both happen at one address.

# %% [markdown]
# ## Which rule takes a request?
#
# Of all paths that fit, the longest wins: `/` fits everything, so `/canary` has to go before it. That sounds clear enough.
# The annotation is there because the app knows only `/`. Without it, the pod would be asked for `/canary`.

# %% [markdown] tags=["predict"]
# **Predict.** `pathType: Prefix` compares whole parts of a path, says the documentation of Kubernetes. Which version will
# answer `/canarybird`?

# %%
lab.predict("version at /canarybird", "1.0")

# %%
bird = lab.get("/canarybird")
lab.compare("version at /canarybird", bird.headers.get("X-Version", "none"))

# %% [markdown]
# Why? `lab.explain_route` sends nothing. It reads the Ingresses and says, step by step, where a request would go by the rules of
# ingress-nginx. The playground follows the same rules.

# %%
lab.explain_route("/canarybird")

# %% [markdown]
# One rewrite turns *all* paths of its host into regular expressions, which ignore case and may go on after their end. So
# the canary also catches what only begins like its path. If production had a page `/canary-islands`, its visitors would
# be testers now, and nobody asked them.
#
# (If your answer differs from the rules, another controller stands at your door. The answer is what counts.)

# %% tags=["exercise"]
# Where does /CANARY go? Look at the rule and at the answer.
# solution
print(lab.explain_route("/CANARY"))
lab.get("/CANARY")

# %% [markdown] tags=["predict"]
# **Predict.** The app knows no page `/x`. So `/x` is answered with status 404 by production. What status will `/canary/x`
# get?

# %%
lab.predict("status of /canary/x", 404)

# %%
lab.compare("status of /canary/x", lab.get("/canary/x").status)

# %%
lab.get("/x").status, lab.explain_route("/x").path, lab.explain_route("/canary/x").path

# %% [markdown]
# The last two are what the pods are asked for: ingress-nginx puts the target in place of the *whole* path. Every broken link below `/canary` then looks fine to the
# testers, and fails for visitors after the release. A preview that hides mistakes is worse than none.
#
# Not every controller does so: releases of Traefik 3.7 have kept the rest. There `/canary/x` arrives as `/x`, and version
# 2.0 answers 404. The documentation of an annotation is that of its controller.

# %% [markdown] tags=["predict"]
# **Predict.** What breaks for another host? Nobody wrote a rule for `shop.bar.com`, but the Ingress has a
# `defaultBackend`. What status will `/` get there?

# %%
lab.predict("status at another host", 404)

# %%
other = lab.get("/", host="shop.bar.com")
lab.compare("status at another host", other.status)

# %%
lab.explain_route("/", host="shop.bar.com")

# %% [markdown]
# ingress-nginx uses the default backend for every host that no Ingress names. For `foo.bar.com` it is never reached: the
# path `/` is a prefix of all paths. (A 404 comes from a controller that keeps the default backend to the hosts of its
# own rules.)

# %% [markdown]
# ## Try it yourself
#
# Type a host and a path. The rules are read at once, and nothing is sent until you press Send. Then the real response
# stands beside what the rules say. Below is the command that sends the same in a terminal.
#
# Which is the shortest path that reaches the canary? Which path would you not have guessed?

# %%
explorer = lab.route_explorer("/canary")
explorer

# %% [markdown]
# ## What if we leave the rewrite out?
#
# The same Ingress without its annotation. Now a Prefix is what the documentation says, and something else is missing.

# %%
explorer.close()
lab.reset("03-canary")
lab.apply("manifests/06-ingress/services.yaml")
plain = lab.read("manifests/06-ingress/ingress.yaml")
del plain["metadata"]["annotations"]
lab.apply(plain)

# %%
lab.explain_route("/canarybird")

# %%
lab.get("/canary")

# %% [markdown]
# `/canarybird` is production's again. But the canary receives the path `/canary` unchanged, and does not know it: `404`, with
# `X-Version: 2.0`. An app that lives below a path has to know that path, or somebody has to take it off.
#
# With kubectl: `kubectl annotate ingress ingress-prod-canary nginx.ingress.kubernetes.io/rewrite-target-`.

# %% [markdown]
# ## A rewrite that keeps its word
#
# Two changes. The path says what may follow it, and the target keeps what followed. And it stands in an Ingress of its
# own, because an annotation is for all paths of its Ingress, and `/` has no second group.

# %%
lab.show("manifests/06-ingress/portable/ingress.yaml")

# %% [markdown] tags=["predict"]
# **Predict.** `$2` is what the second pair of brackets caught. What path will the pod be asked for, when somebody asks
# for `/canary/x`?

# %%
lab.predict("path that arrives for /canary/x", "/")

# %%
lab.reset("03-canary")
lab.apply("manifests/06-ingress/services.yaml")
lab.apply("manifests/06-ingress/portable/ingress.yaml")
lab.compare("path that arrives for /canary/x", lab.explain_route("/canary/x").path)

# %% [markdown]
# A broken link is broken in the preview too, as it should be, and `/canarybird` is production's. (`/CANARY` is still the
# canary's: a regular expression here ignores case.) This form means the same to ingress-nginx and to Traefik. With
# kubectl: `kubectl apply -f manifests/06-ingress/portable/ingress.yaml`.

# %% tags=["checkpoint"]
check(lab, "the preview keeps to its path")

# %% [markdown]
# ## Switch the visitors over
#
# The testers are content. Three pods have to carry what three pods carried, so the canary grows first. Then the
# visitors' Ingress, the first in the file, leads to the other Service.

# %%
lab.scale("nodeapp-canary", 3)

# %% tags=["exercise"]
# Lead the visitors to the Service nodeapp-svc-canary: change the name below, and apply the manifest.
manifest = lab.read("manifests/06-ingress/portable/ingress.yaml")
service = manifest["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
# solution
service["name"] = "nodeapp-svc-canary"
lab.apply(manifest)

# %% [markdown]
# <details><summary>First hint</summary>
# <code>service</code> is a dictionary with a name and a port. It is a part of <code>manifest</code>, so what you change
# in it changes there.
# </details>
#
# <details><summary>Second hint</summary>
# Give <code>service["name"]</code> the new name, then call <code>lab.apply(manifest)</code>.
# </details>

# %%
switched = lab.sample_ingress("/", requests=200)
switched.plot()

# %% tags=["checkpoint"]
check(lab, "only the new version answers", switched)

# %% [markdown]
# All visitors, from one request to the next, while both versions run: this is called *blue/green*. Going back is as
# quick, as long as the old pods are there. What serves the visitors is now called canary, as after the first way of
# lesson 3. In a terminal:
#
# ```
# kubectl patch ingress ingress-prod --type=json -p '[{"op": "replace",
#   "path": "/spec/rules/0/http/paths/0/backend/service/name", "value": "nodeapp-svc-canary"}]'
# ```

# %% [markdown]
# ## A bug hunt: the Service that is not there
#
# Somebody switches in a hurry and mistypes the name. The cluster accepts it. What do visitors see?

# %%
service["name"] = "nodeapp-svc-cannary"
lab.apply(manifest)

# %%
lab.get("/").status, lab.explain_route("/").reasons[-1]

# %% [markdown]
# The API server does not ask whether a Service exists; it may come later. So nothing is refused, and every visitor gets
# an error. `kubectl describe ingress ingress-prod` shows `<error: services "nodeapp-svc-cannary" not found>` beside the path.

# %% tags=["exercise"]
# Take the visitors back to version 1.0. The file still says how it was.
# solution
lab.apply("manifests/06-ingress/portable/ingress.yaml")

# %% tags=["checkpoint"]
check(lab, "the preview keeps to its path")

# %% [markdown]
# ## What you did
#
# You led requests by host and path, said which rule takes them and what arrives, and switched all visitors over and back.
# These were your predictions:

# %%
lab.predictions()

# %% [markdown]
# ## What we left out
#
# Encrypted connections, which an Ingress usually ends, and hosts with wildcards. A preview address is also no secret:
# whoever guesses it is a tester. ingress-nginx was retired in March 2026; others read its annotations, and the Gateway
# API of lesson 7 is meant to follow it.
#
# **Next:** lesson 7, where visitors and canary meet at one address, in a share that no pod decides.

# %% [markdown]
# The last cell takes away the pods, the Services and the Ingresses. The cluster itself stays.

# %%
lab.close()
