# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Two versions, side by side
#
# A canary release needs two versions of a program that run at the same time. You build both from one source, run both on
# this machine, and tell from a response which version sent it.
#
# You will need: nothing but this notebook. About 25 minutes. Before this: lesson 00.
#
# After this you can
# - build two images from one Dockerfile;
# - run both side by side, and send each a request;
# - tell from a response which version sent it.

# %%
from canarylab import Lab, check

lab = Lab()
lab

# %% [markdown]
# ## Two versions in three cells
#
# An **image** is a package of a program with everything that it needs to run. The next cell builds two images of a small
# web app: with Docker, if it runs on this machine, otherwise without. The first build downloads what it needs, which
# takes half a minute, or a few minutes with Docker.

# %%
lab.build()
lab.images()

# %%
first = lab.run_locally("1.0")
lab.get(first.url)

# %%
second = lab.run_locally("2.0")
lab.get(second.url)

# %% [markdown]
# Two programs answer at two ports of this machine. The last line of each response is what a visitor sees. The lines
# above it are **headers**, names with values. Three of these lines matter in every lesson:
#
# - the status, `200 OK`: the request went well;
# - `X-Version`: the version that answered;
# - `X-Pod`: the running copy that answered.

# %% [markdown]
# A running copy of an image is called a **container**. With Docker you would type these lines to build and run version
# 1.0:
#
# ```
# docker build app -t node_app:1.0 --build-arg APP_VERSION=1.0
# docker run -d -p 8888:3333 node_app:1.0
# ```
#
# Then `curl -i` and the address shows the response in any terminal.

# %% [markdown]
# ## One source, two images
#
# A Dockerfile is the list of steps that make an image. There is one Dockerfile for both versions.

# %%
lab.show("app/Dockerfile")

# %% [markdown]
# Each line is a step. `ARG APP_VERSION` is a **build argument**: a value that is given when the image is built. `ENV`
# passes it on to the program. So the two images have the same program, and differ in one word.
#
# Here is the part of the program that answers. Look for the place where the version enters the response.

# %%
lab.show("app/src/app.ts")

# %% [markdown]
# ### Which steps run again?
#
# The builder keeps the result of every step. It takes a step from there if the step and everything before it are the
# same as before. The table after a build counts the steps that make files, which are those with `WORKDIR`, `COPY` and
# `RUN`.

# %% [markdown] tags=["predict"]
# **Predict.** A new version, 3.0, from the same source: only `APP_VERSION` is different. How many of the steps that make
# files will be taken from before: none, some or all? Look at the order of the lines in the Dockerfile.

# %%
lab.predict("steps reused for version 3.0", ..., choices=("none", "some", "all"))

# %%
third = lab.build("3.0")
third

# %%
reused, total = third.rows[0][2].split(" of ")
seen = "all" if reused == total else "none" if reused == "0" else "some"
why = "APP_VERSION comes after the last step that makes files"
lab.compare("steps reused for version 3.0", seen, expected="all", why=why)

# %% [markdown]
# What changes often belongs near the end of a Dockerfile: all steps before it are reused. The new image has the same
# files as the other two, and another setting. Each image has an id of its own:

# %%
lab.images()

# %% tags=["exercise"]
# Run version 3.0 on port 7777, with lab.run_locally(version, port=...), and look at its response.
lab.build("3.0")
# solution
newest = lab.run_locally("3.0", port=7777)
lab.get(newest.url)

# %% tags=["checkpoint"]
check(lab, "version 3.0 answers")

# %% [markdown]
# <details><summary>First hint</summary>
# Versions 1.0 and 2.0 have ports of their own. For another version you name one with <code>port=7777</code>.
# </details>
#
# <details><summary>Second hint</summary>
# <code>lab.run_locally</code> returns a run; its address is in <code>.url</code>, as for <code>first</code> above.
# </details>

# %% [markdown]
# ## What if the port is taken?
#
# Two programs cannot listen on the same port. That is why version 1.0 runs on port 8888 and version 2.0 on port 9999,
# although the program itself listens on 3333.
#
# The next cell makes the conflict: Python itself listens on a free port, and then version 1.0 should run there.

# %% [markdown] tags=["predict"]
# **Predict.** What will happen: will the new program "replace" the one that listens, will both "share" the port, or will
# it be "refused"?

# %%
lab.predict("a taken port", ..., choices=("replace", "share", "refused"))

# %% tags=["raises-exception"]
import socket

busy = socket.create_server(("127.0.0.1", 0))  # 0 means: any port that is free
lab.run_locally("1.0", port=busy.getsockname()[1])

# %%
why = "a port belongs to one program at a time"
lab.compare("a taken port", "refused", expected="refused", why=why)

# %% [markdown]
# The message names the port and the program that has it. Nothing else has changed. Close the listener, run both versions,
# and send each a request:

# %%
busy.close()
runs = [lab.run_locally("1.0"), lab.run_locally("2.0")]
[lab.get(run.url).body for run in runs]

# %% tags=["checkpoint"]
check(lab, "both versions answer")

# %% [markdown]
# ## What does a visitor see?
#
# A visitor sees responses, neither images nor ports. The next cell sends fifty requests to one address and counts the
# versions that answer. It opens a new connection for each request, as fifty visitors would.

# %%
from canarylab import traffic

run = lab.run_locally("2.0")
sample = traffic.sample(run.url, count=50)
sample

# %% [markdown]
# Fifty requests, one version: this address has only one. In lesson 03 one address has two versions behind it, and you
# count again.

# %% [markdown]
# ## Bug hunt: the image that does not exist
#
# Someone wants to run version 4.0. Read the message of the next cell: what happened, and what does it tell you to try?

# %% tags=["raises-exception"]
lab.run_locally("4.0", port=7799)

# %% tags=["exercise"]
# Make version 4.0 answer on port 7799.
# solution
lab.build("4.0")
lab.run_locally("4.0", port=7799)

# %% tags=["checkpoint"]
check(lab, "version 4.0 answers")

# %% [markdown]
# <details><summary>A hint</summary>
# The message names the call that builds the image. Then run it as the cell above tried to.
# </details>

# %% [markdown]
# In a cluster the same mistake looks different, because the cluster tries again and again. You meet it in lesson 02,
# under the name `ErrImagePull`.

# %% [markdown]
# ## What you did
#
# You built images from one Dockerfile, ran them side by side, and told from their responses which version had answered.
# These were your predictions:

# %%
lab.predictions()

# %% [markdown]
# ## What we left out
#
# A container has files of its own and is kept apart from other programs. If Docker built your images, you ran
# containers. If not, your images are folders, and what ran were ordinary programs of this machine: the responses are the
# same, but nothing keeps them apart.
#
# **Next:** lesson 02, in which a cluster keeps three copies of version 1.0 running.

# %% [markdown]
# The last cell stops your programs, and their ports are free again.

# %%
lab.close()
