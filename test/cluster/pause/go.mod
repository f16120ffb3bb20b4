// What holds the network of a pod, as an image that is made here: there is no other to be had without a registry of images.
module pause

go 1.21
