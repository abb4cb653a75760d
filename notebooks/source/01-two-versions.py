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
# A careful release needs two versions of a program that can run at the same time. You will build both from one
# source, run both on this machine, and read from an answer who gave it.
#
# You will need: nothing but this notebook. About 20 minutes. Before this: nothing.
#
# After this you can
# - build two images from one Dockerfile;
# - run both side by side and ask each a question;
# - tell from an answer which version gave it, and where it ran.

# %%
from canarylab import Lab, check

lab = Lab()
lab

# %% [markdown]
# The line above says which cluster you are on. This lesson does not need it yet; the next ones do, and they start
# with the same three lines.

# %% [markdown]
# ## Two versions in three cells
#
# First the result, then how it comes about. This builds version 1.0 and version 2.0 of a small web app: with Docker
# where it runs on this machine, else without. The first build fetches what it needs. That takes half a minute, or a
# few minutes where Docker has to fetch the base image.

# %%
lab.build()

# %%
first = lab.run_locally("1.0")
lab.get(first.url)

# %%
second = lab.run_locally("2.0")
lab.get(second.url)

# %% [markdown]
# Two programs answer on two ports of this machine. The last line of each answer is what a visitor sees. The lines
# above it are headers, and three of them matter in every lesson that follows:
#
# - the status, `200 OK`, says that the request went well;
# - `X-Version` says which version answered;
# - `X-Pod` says which copy of it answered.

# %% [markdown]
# In a terminal, with Docker, the same two steps are typed like this:
#
# ```
# docker build app -t node_app:1.0 --build-arg APP_VERSION=1.0
# docker run -d -p 8888:3333 node_app:1.0
# ```
#
# and the question in any terminal: `curl -i http://127.0.0.1:8888`. Try the last one now, if you have a terminal open.
# (Where Jupyter itself has port 8888, as on Binder, `first.url` names another one.)

# %% [markdown]
# ## Where does the version come from?
#
# Not from two copies of the source. Look at the recipe that both images are made from.

# %%
lab.show("app/Dockerfile")

# %% [markdown]
# Each line is a step. `ARG APP_VERSION` is a blank that is filled in at build time, and `ENV` hands it to the
# program. So the two images share every line of code and differ in one word.
#
# That is worth copying. Two images that differ by a hand edit are two images nobody can make again.

# %% [markdown]
# Here is the part of the program that answers a visitor.

# %%
lab.show("app/src/app.ts")

# %% [markdown]
# ## What does a second build cost?
#
# The builder remembers every step, together with everything that went into it. A step whose inputs are the same is
# not done again, and neither is any step before the first difference. The table counts the steps that make files:
# `WORKDIR`, `COPY` and `RUN`.

# %% [markdown] tags=["predict"]
# **Predict.** You will build version 2.0 again, with nothing changed. How many of its steps will be reused: none,
# some, or all?

# %%
lab.predict("steps reused in the second build", "some")

# %%
again = lab.build("2.0")
again

# %%
lab.compare("steps reused in the second build", again.rows[0][2])

# %% [markdown]
# Nothing had changed, so nothing was done: the image you have is the image you had. The order of the lines in a
# Dockerfile decides how much of this you get. What changes often belongs near the end.

# %% [markdown] tags=["predict"]
# **Predict.** Now a third version, "3.0", from the same source. Which of its steps are reused: none, those before the
# blank `APP_VERSION`, or all?

# %%
lab.predict("steps reused for version 3.0", "all but the last few")

# %%
third = lab.build("3.0")
lab.compare("steps reused for version 3.0", third.rows[0][2])

# %% [markdown]
# All of them, and yet it is another image: the blank changes a setting of the image and no file in it. Here are the
# images that you have, as `docker images` lists them. Each has an id of its own.

# %%
lab.images()

# %% tags=["exercise"]
# Run version 3.0 beside the others, on port 7777, and look at what it answers.
# solution
newest = lab.run_locally("3.0", port=7777)
lab.get(newest.url)

# %% [markdown]
# <details><summary>A hint</summary>
# Versions 1.0 and 2.0 have ports of their own. For any other version you name one:
# <code>lab.run_locally("...", port=...)</code>.
# </details>

# %% tags=["checkpoint"]
check(lab, "version 3.0 answers")

# %% [markdown]
# ## Who has the port?
#
# Two programs cannot listen on one port. That is why version 1.0 runs on 8888 and version 2.0 on 9999, although the
# program itself knows only about port 3333.

# %% [markdown] tags=["predict"]
# **Predict.** What breaks if another program already listens where version 1.0 wants to run? The next cell arranges
# it: a bare listener takes port 7788, and then we try to run version 1.0 there.

# %% tags=["raises-exception"]
import socket

busy = socket.create_server(("127.0.0.1", 7788))
lab.run_locally("1.0", port=7788)

# %% [markdown]
# The message names the port and who has it, and nothing else happened: the versions from before still run. Let
# the listener go, and ask them again to be sure.

# %%
busy.close()
[lab.get(run.url).body for run in lab.local_runs().values()]

# %% tags=["checkpoint"]
check(lab, "both versions answer")

# %% [markdown]
# ## What does a release look like from outside?
#
# A visitor does not see images or ports. A visitor sees answers. Ask version 1.0 a few times and count who answers.

# %%
from canarylab import traffic

sample = traffic.sample(first.url, count=50)
sample

# %% [markdown]
# Fifty requests, one version. This is the tool you will use from now on: it opens a new connection for every
# request, as fifty different visitors would, and counts the answers by version. In a terminal the same is
# `canarylab sample http://127.0.0.1:8888 --count 50`.

# %% tags=["exercise"]
# Count the answers of version 2.0 in the same way, with 50 requests.
# solution
traffic.sample(second.url, count=50)

# %% [markdown]
# Today each address has one version behind it. Two lessons from now one address will have both, and the count will
# be the interesting part.

# %% [markdown]
# ## A bug hunt: the image that was never built
#
# Somebody asks for version 4.0, which nobody built. Read the message before you read on: does it say what happened,
# and what to do?

# %% tags=["raises-exception"]
lab.run_locally("4.0", port=7788)

# %% [markdown]
# On your own machine that is easily mended. In a cluster the same mistake looks different, because the cluster
# keeps trying. You will meet it there, under the name `ErrImagePull`.

# %% [markdown]
# ## What you did
#
# You built images from one Dockerfile, ran two of them side by side, and read from their answers who was speaking.
# These were your predictions:

# %%
lab.predictions()

# %% [markdown]
# ## What we left out
#
# A container is more than a process: it brings a file system of its own and fences around it. If your images were
# built with Docker, you ran containers. If not, your images are folders, and what ran were plain processes of this
# machine, with no fence at all. The answers are the same; the isolation is not.
#
# **Next:** lesson 2, where a cluster keeps three copies of version 1.0 running.

# %% [markdown]
# The last cell ends your programs and frees their ports.

# %%
lab.close()
