# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A preview URL for the canary
#
# In lesson 03, chance decided who met the canary. Testers want to open the new version whenever they like, and before
# any visitor does. You will give the canary a URL of its own, and see which other paths it matches.
#
# You will need: the two images of lesson 01. About 35 minutes. Before this: lesson 03.
#
# After this you can
# - send requests to one version or the other by host and path;
# - explain which rule a request matches, and which path the pod receives;
# - find and correct a rule that gives visitors an error.

# %%
from canarylab import Lab, check

lab = Lab()
lab

# %% [markdown]
# ## One address, two versions
#
# An **Ingress** is a list of rules in the cluster: requests for this host and this path go to that Service. The rules
# alone do nothing. An **ingress controller** is the program that receives the requests and follows the rules.
#
# (The playground has a controller. On a new kind cluster the first Ingress installs one, which may take a minute.)

# %%
lab.build()
lab.reset("03-canary")
lab.apply("manifests/06-ingress/services.yaml")
lab.apply("manifests/06-ingress/ingress.yaml")

# %% [markdown]
# Three pods of production and one canary run, as in lesson 03. Two Services and one Ingress are new. Request two paths,
# and look at `X-Version` in the responses:

# %%
lab.get("/")

# %%
lab.get("/canary")

# %% [markdown]
# The address is the same, and the path decides. In a terminal:
#
# ```sh
# kubectl apply -f manifests/06-ingress/services.yaml
# kubectl apply -f manifests/06-ingress/ingress.yaml
# curl -i -H "Host: foo.bar.com" "$(canarylab url ingress-prod-canary)/"
# curl -i -H "Host: foo.bar.com" "$(canarylab url ingress-prod-canary)/canary"
# ```
#
# The **Host header** is the line of a request that names the site, here `foo.bar.com`. That name belongs to another
# site. So we send each request to your cluster's own address, and write the name only in this header.

# %%
lab.diagram()

# %% [markdown]
# The Ingress sends requests to two Services. Each Service selects by two labels, `app` and `env`, so it finds the pods
# of one version only. `nodeapp-svc` of lesson 03 still selects both.

# %% [markdown]
# ### What does the Ingress say?
#
# An **annotation** is a name and a value on an object, for other programs to read. This one is for the controller: it
# asks for a **rewrite**, which changes the path of a request before the pod receives it. The app has only the page `/`,
# so `/canary` has to become `/`.

# %%
lab.show("manifests/06-ingress/ingress.yaml")

# %% [markdown]
# `ingressClassName` says which controller the Ingress is for. `kubectl describe` shows the same rules, with the pods
# behind each path, and what the controller reported:
#
# ```sh
# kubectl describe ingress ingress-prod-canary
# ```

# %% [markdown] tags=["predict"]
# ### Is this a canary release?
#
# **Predict.** One pod of the four runs version 2.0. A hundred visitors request `/`. What share of the responses comes
# from version 2.0?

# %%
lab.predict("canary share at /", ...)  # from 0 to 1

# %%
sample = lab.sample_ingress("/", requests=100)
lab.compare("canary share at /", sample, why="the path decides, not the number of pods")

# %% [markdown]
# This is a *preview*, not yet a canary release: testers see the new version, and no visitor does. A preview shows the
# mistakes that a tester can find. Other mistakes appear only with many visitors. For those, lesson 07 sends a share of
# the visitors to the canary.

# %% [markdown]
# ## Which rule does a request match?
#
# If several paths match, the longest one is used: `/` matches everything, and `/canary` is longer. The documentation of
# Kubernetes says that `pathType: Prefix` compares whole parts of a path, from slash to slash. So `/canary` should
# match `/canary` and `/canary/x`.

# %%
lab.reset("03-canary")
lab.apply("manifests/06-ingress/services.yaml")
lab.apply("manifests/06-ingress/ingress.yaml")

# %% [markdown] tags=["predict"]
# **Predict.** Which version answers `/canarybird`: "1.0" or "2.0"?

# %%
lab.predict("version at /canarybird", ..., choices=("1.0", "2.0"))

# %%
bird = lab.get("/canarybird").headers.get("X-Version", "none")
lab.compare(
    "version at /canarybird", bird, expected="2.0", why="a rewrite changes how paths are compared"
)

# %% [markdown]
# Why? `lab.explain_route` sends nothing. It reads the Ingresses and applies the rules of ingress-nginx, the controller
# for which these annotations were made. The playground follows the same rules. (If your answer differs from the rules,
# your cluster uses another controller, and its answer counts.)

# %%
lab.explain_route("/canarybird")

# %% [markdown]
# A **regular expression** is a pattern that text can match. One rewrite turns *all* paths of its host into regular
# expressions. They ignore upper and lower case, and match anything that starts with them. If production had a page
# `/canary-islands`, its visitors would now get the canary.

# %% [markdown]
# ### Try other paths
#
# Type a path and a host. On one side you see which rule matches, and why. Nothing is sent until you press *Send the
# request*; then the other side shows the real response. Below is the command that sends the same request in a terminal.

# %%
explorer = lab.route_explorer("/canary")
explorer

# %% tags=["exercise"]
# Version 2.0 answers a path without the word "canary" in small letters. Find it, and write it here.
path = "/"
# solution
path = "/CANARY"

# %% [markdown]
# <details><summary>First hint</summary>
# Try paths in the explorer, and read the sentence about the regular expression.
# </details>
#
# <details><summary>Second hint</summary>
# The expression ignores upper and lower case.
# </details>
#
# <details><summary>Third hint</summary>
# Write the same word in capital letters, after a slash.
# </details>

# %% tags=["checkpoint"]
check(lab, "another spelling reaches the canary", lab.sample_ingress(path, requests=20))

# %% [markdown]
# ### Which path does the pod receive?

# %% [markdown] tags=["predict"]
# **Predict.** The app has only the page `/`. It answers every other path with status 404, "not found". What status does
# `/canary/x` get?

# %%
lab.predict("status of /canary/x", ...)  # 200, 404 or another number

# %%
status = lab.get("/canary/x").status
lab.compare(
    "status of /canary/x", status, expected=200, why="the rewrite replaces the whole path by /"
)

# %% [markdown]
# The pod received `/`. So every broken link below `/canary` looks fine to the testers, and visitors will get 404 after
# the release. Controllers differ here: releases of Traefik 3.7 have kept the rest of the path, so that `/canary/x`
# arrives as `/x` and gets 404. And the visitors' paths, are they rewritten too?

# %%
lab.explain_route("/x")

# %% [markdown]
# The annotation is for every path of its Ingress. But the path of this rule, `/`, is the same as the rewrite target,
# and ingress-nginx then rewrites nothing. So production answers `/x` with 404, while the canary answers `/canary/x`
# with 200.

# %% [markdown] tags=["predict"]
# **Predict.** Nobody wrote a rule for the host `shop.bar.com`. Read the manifest once more. Which version answers `/`
# there: "1.0", "2.0" or "none"?

# %%
lab.predict("version at another host", ..., choices=("1.0", "2.0", "none"))

# %%
shop = lab.get("/", host="shop.bar.com").headers.get("X-Version", "none")
lab.compare(
    "version at another host", shop, expected="1.0", why="the Ingress has a defaultBackend for it"
)

# %%
lab.explain_route("/", host="shop.bar.com")

# %% [markdown]
# A **default backend** is the Service for requests that match no rule. ingress-nginx uses it for every host without
# rules. For `foo.bar.com` it is never used, because the path `/` matches everything. (Controllers that use it only for
# the hosts of their rules answer 404 here.)

# %% [markdown]
# ## A rewrite that keeps the rest of the path
#
# Now there are two Ingresses, because an annotation is for every path of its Ingress. In `/canary(/|$)(.*)` the first
# pair of brackets matches a slash or the end of the path, the second pair whatever follows. `$2` in the rewrite target
# is the text that the second pair matched.

# %%
lab.show("manifests/06-ingress/portable/ingress.yaml")

# %% [markdown] tags=["predict"]
# **Predict.** Someone requests `/canary/x`. Which path does the pod receive?

# %%
lab.predict("path received for /canary/x", ...)  # in quotes, with a slash at the start

# %%
lab.reset("03-canary")
lab.apply("manifests/06-ingress/services.yaml")
lab.apply("manifests/06-ingress/portable/ingress.yaml")
received = lab.explain_route("/canary/x").path
lab.compare(
    "path received for /canary/x", received, expected="/x", why="$2 is what follows the slash"
)

# %% [markdown]
# A broken link is now broken in the preview too, and `/canarybird` goes to production. (`/CANARY` still goes to the
# canary: regular expressions in an Ingress ignore case.) This form is meant for ingress-nginx and for Traefik alike.
# In a terminal:
#
# ```sh
# kubectl apply -f manifests/06-ingress/portable/ingress.yaml
# curl -i -H "Host: foo.bar.com" "$(canarylab url ingress-preview)/canary/x"
# ```

# %% [markdown]
# ## Find the mistake
#
# A colleague changes the visitors' Ingress in a hurry. One name in the file is wrong, and the API server accepts it: it
# does not check whether the names in an Ingress exist.

# %%
lab.reset("03-canary")
lab.apply("manifests/06-ingress/services.yaml")
lab.apply("manifests/06-ingress/portable/ingress.yaml")
lab.apply("manifests/06-ingress/broken.yaml")

# %%
lab.get("/")

# %% [markdown]
# Every visitor gets an error, and the testers at `/canary` notice nothing. (ingress-nginx answers 503, other
# controllers may answer 404.) Find the wrong name with `lab.explain_route("/")`, or with
# `kubectl describe ingress ingress-prod`. Then correct it with the official Python client:
# `read_namespaced_ingress` reads the Ingress, `replace_namespaced_ingress` writes the changed one back.

# %% tags=["exercise"]
# Give the Service its right name, and write the Ingress back.
ingress = lab.networking.read_namespaced_ingress("ingress-prod", lab.namespace)
service = ingress.spec.rules[0].http.paths[0].backend.service
# solution
service.name = "nodeapp-svc-prod"
changed = lab.networking.replace_namespaced_ingress("ingress-prod", lab.namespace, ingress)

# %% [markdown]
# <details><summary>First hint</summary>
# <code>lab.explain_route("/")</code> names a Service that does not exist. <code>kubectl get services</code> lists those
# that do.
# </details>
#
# <details><summary>Second hint</summary>
# <code>service</code> is a part of <code>ingress</code>. Set <code>service.name</code>.
# </details>
#
# <details><summary>Third hint</summary>
# <code>replace_namespaced_ingress</code> takes the name, the namespace and the changed object. Give its result a name,
# such as <code>changed</code>, and the output stays short.
# </details>

# %% tags=["checkpoint"]
check(lab, "the preview keeps to its path")

# %% [markdown]
# ## What you did
#
# You sent requests to two versions by host and path, explained which rule they match and which path the pod receives,
# and corrected a rule that gave visitors an error. These were your predictions:

# %%
lab.predictions()

# %% [markdown]
# ## What we left out
#
# Encrypted connections, which an Ingress usually ends, and hosts with wildcards. A preview URL is no secret: anyone who
# guesses it can open it. ingress-nginx was retired in March 2026; other controllers read its annotations, and the
# Gateway API of lesson 08 replaces them with fields.
#
# **Next:** lesson 07, where visitors and testers meet the canary at one URL, in a share that does not depend on pods.

# %% [markdown]
# The last cell deletes the pods, the Services and the Ingresses. The cluster itself keeps running.

# %%
lab.close()
