console.log("blog")
