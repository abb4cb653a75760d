# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Welcome: what a canary release is
#
# This course teaches how to give a new version of a program to a few visitors first, and to measure what they get. In
# the next minutes you do it once, and learn how the course works.
#
# You will need: nothing but this page. About 10 minutes. Before this: nothing.
#
# After this you can
# - say what a canary release is, and what it is for;
# - run the cells of a notebook, and use a terminal beside it;
# - help yourself when something breaks.
#
# Click on the grey cell below, then press Shift and Enter together. This runs the cell and moves to the next one.

# %%
from canarylab import Lab, check

lab = Lab()
lab

# %% [markdown]
# The line above names the computers that you work with. They are called a cluster; lesson 02 says more about it.

# %% [markdown]
# ## A few visitors first
#
# Every new version of a program may have a fault that no test has found. If you replace the old version everywhere at
# once, all visitors meet the fault.
#
# In a **canary release** the new version first answers only a small part of the requests. You watch it. If it works, you
# give it the rest; if it fails, you take it back, and few people have noticed.

# %% [markdown]
# The name comes from coal mines. Miners took a canary with them, because the small bird reacted to bad air earlier than
# people do.

# %% [markdown]
# ## Your first split
#
# The next cell builds two versions of a small web app and starts four copies: three of version 1.0 and one of version
# 2.0, the canary. The first time this takes about half a minute, or a few minutes with Docker.

# %%
lab.build()
lab.reset("03-canary")

# %% [markdown]
# Kubernetes calls such a copy a **pod**. All four pods are reached at one address, and each of them is as likely to get
# a request as any other.

# %% [markdown] tags=["predict"]
# **Predict.** You will send 200 requests to that address. How many of them will version 2.0 answer? Write your number
# in place of the three dots, and run the cell. Nobody grades it.

# %%
lab.predict("answers of version 2.0", ..., choices=range(201))  # a number from 0 to 200

# %%
sample = lab.sample("nodeapp-svc", requests=200)
lab.compare("answers of version 2.0", sample)

# %%
sample.plot()

# %% [markdown]
# The dot is the **share** that you measured: the answers of one version, divided by all answers. The dark line is the
# share that four equal copies suggest. Chance decides about each request, so the two are rarely equal; the bar shows
# how far such a sample can be trusted. Lesson 03 explains it.

# %%
lab.diagram()

# %% [markdown]
# This is what you have just used. The words in the picture are those of Kubernetes, the system that runs the copies.
# Each lesson explains a few of them and adds something to the picture. The file `glossary.md` in the list of files on the
# left has them all.

# %% [markdown]
# ## The lessons
#
# | lesson | after it you know | minutes |
# |---|---|---|
# | 01 two versions | how two versions are built from one source | 25 |
# | 02 production | how a cluster runs three copies behind one address | 40 |
# | 03 canary | how one label splits the requests, and how sure a measured share is | 40 |
# | 04 how sure | how many requests a share needs, and what makes it look surer than it is | 30 |
# | 05 promote or roll back | how both ends of a release go without a lost request | 45 |
# | 06 ingress | how testers get an address of their own for the canary | 35 |
# | 07 weights and headers | how a share can be set without counting copies | 35 |
# | 08 gateway API | how the same is written in the newer way | 25 |
# | 09 judge | how to find out whether version 2.0 is worse, and what to do then | 40 |
#
# They build on each other, but each one can be started alone: it makes what it needs. The solved lessons are in the
# folder `solved`.

# %% [markdown]
# ## How to use a notebook
#
# A star in the brackets beside a cell means that it is running; a number means that it has finished. You can run a cell
# again as often as you like. Cells with `...` wait for your line. The cell after an exercise checks it, and says what is
# still different.

# %% tags=["exercise"]
# Put your line in place of the dots: lab.scale("nodeapp-canary", 3) starts two more copies of
# version 2.0.
lab.reset("03-canary")
# solution
lab.scale("nodeapp-canary", 3)

# %% tags=["checkpoint"]
check(lab, "both versions have three pods")

# %% [markdown]
# ## A terminal beside the notebook
#
# Every step of the course can also be typed as a command. Open a terminal with *File, New, Terminal*, and try these
# two. **kubectl** is the command-line program of Kubernetes.
#
# ```sh
# canarylab status
# kubectl get pods
# ```
#
# If the terminal does not find kubectl, `canarylab doctor` says how to get it. The notebooks work without it.

# %% [markdown]
# ## When something breaks
#
# - A cell fails: read the last line. It says what happened and what to try.
# - Nothing works any more: choose *Kernel, Restart Kernel*. Then run the first grey cell, and go on at any heading. Every
#   section makes the state that it needs.

# %% [markdown]
# ### Start again, and stop
#
# - You changed a lesson and want it back: type `canarylab lab --reset 03-canary` in a terminal. Your own file is kept.
# - You want to stop: the last cell of each lesson deletes what it made. *File, Shut Down* stops the notebooks, and
#   `canarylab down` the cluster.

# %% [markdown]
# ## What you did
#
# You sent requests to two versions at one address, and measured the share of the new one. This was your prediction:

# %%
lab.predictions()

# %% [markdown]
# ## What we left out
#
# Nothing here said whether version 2.0 is any good. For that you compare its failures and its speed with those of
# version 1.0, and this needs more requests than you sent today.
#
# **Next:** lesson 01, in which you build the two versions yourself.

# %% [markdown]
# The last cell deletes the copies. The cluster stays for the next lesson.

# %%
lab.close()
